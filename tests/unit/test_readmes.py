"""What the READMEs say of the services is what the code does, as far as a program can tell."""

import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from schemas.refusal import TEXTS, RefusalCode, SecurityCode
from services.operator.local.jars import CHECKOUT
from services.runtime.metrics import Metrics
from services.runtime.service import Service
from services.topology import SERVICES, all_topics

READMES: Final = sorted(
    path
    for path in (*CHECKOUT.glob("**/README.md"), *CHECKOUT.glob("docs/**/*.md"))
    if not {".venv", "build"} & set(path.parts)
)
LINK: Final = re.compile(r"\]\(([^)#]+)(#[^)]*)?\)")
RAISED: Final = re.compile(r"\b(RefusalCode|SecurityCode)\.([A-Z_]+)")
CODES: Final = {"RefusalCode": RefusalCode, "SecurityCode": SecurityCode}

every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: str(service.name))


def page(service: Service) -> str:
    return (CHECKOUT / "services" / service.name / "README.md").read_text(encoding="utf-8")


def row(text: str, first: str) -> str:
    """The line of a table that begins with this cell."""
    return next(line for line in text.splitlines() if line.startswith(f"| {first} |"))


def section(text: str, word: str) -> str:
    """All chapters whose title has this word."""
    parts = re.split(r"(?m)^(?=## )", text)
    return "".join(part for part in parts if word in part.partition("\n")[0].lower())


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_links_lead_somewhere(readme: Path) -> None:
    """To a file, or a folder, of the repository."""
    targets = [match[1] for match in LINK.finditer(readme.read_text(encoding="utf-8")) if "://" not in match[1]]
    assert [target for target in targets if not (readme.parent / target).exists()] == []


def test_make_has_what_the_readme_says() -> None:
    """Every target that it names."""
    readme, makefile = ((CHECKOUT / name).read_text(encoding="utf-8") for name in ("README.md", "Makefile"))
    named = set(re.findall(r"make (?:-C renkei )?([a-z]+)(?=`|\n)", readme))
    assert named >= {"demo", "test", "gen"}
    assert named <= set(re.findall(r"(?m)^([a-z]+):", makefile))


@every_service
def test_a_page_is_one_page(service: Service) -> None:
    """What a person reads before touching the service."""
    assert page(service).startswith(f"# {service.name}\n")
    assert len(page(service).splitlines()) <= 80


@every_service
def test_a_page_names_the_topics(service: Service) -> None:
    """Those that are read and written, in their rows, and no others there."""
    names = [topic.name for topic in all_topics()]
    for what, topics in (("reads", service.reads), ("writes", service.writes)):
        found = {name for name in re.findall("`([a-z.]+)`", row(page(service), what)) if name in names}
        assert found == {topic.name for topic in topics}


@every_service
def test_a_page_says_what_is_kept(service: Service) -> None:
    """Its schema in the database, or nothing there."""
    assert (f"schema `{service.name}`" in row(page(service), "keeps")) == service.tables


@every_service
def test_a_page_lists_what_the_service_raises(service: Service) -> None:
    """Each refusal and each security event in its own code, in the chapter of its kind."""
    folder = CHECKOUT / "services" / service.name
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    chapters = {"RefusalCode": section(page(service), "refusals"), "SecurityCode": section(page(service), "security")}
    if service.name == "gateway":  # it compares codes to choose a problem
        chapters = dict.fromkeys(chapters, section(page(service), "problems"))
    missing = [
        member for kind, member in RAISED.findall(code) if f"`{CODES[kind][member].value}`" not in chapters[kind]
    ]
    assert missing == []


@every_service
def test_a_page_has_no_other_codes(service: Service) -> None:
    """A refusal stands there with its own words; a security event is one."""
    text = page(service)
    security = section(text, "security events")
    for match in re.finditer(r"(?m)^\| `([a-z_]+)` \|.*$", section(text, "refusals")):
        if match[0] not in security:
            ja, en, _ = TEXTS[RefusalCode(match[1])]
            assert f" {ja} {en} |" in match[0]
    for code in re.findall(r"(?m)^\| `([a-z_]+)` \|", security):
        assert code in set(SecurityCode)


def test_the_runtime_lists_its_metrics() -> None:
    """Every one that a process of ours has."""
    text = (CHECKOUT / "services/runtime/README.md").read_text(encoding="utf-8")
    for metric in Metrics().registry.collect():
        name = metric.name + ("_total" if metric.type == "counter" else "")
        assert metric.name.startswith("process_") or f"`{name}`" in text


def test_the_changelog_keeps_its_form() -> None:
    """Keep a Changelog: unreleased on top, then versions, the newest first, each with its day."""
    text = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    titles = re.findall(r"(?m)^## (.*)$", text)
    assert titles[0] == "[Unreleased]"
    versions = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d{2}-\d{2}", title) for title in titles[1:]]
    assert all(versions)
    numbers = [tuple(map(int, found.groups())) for found in versions if found]
    assert all(newer > older for newer, older in pairwise(numbers))
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"(?m)^### (.*)$", text)) <= kinds


def test_the_example_leaves_no_untracked_files(tmp_path: Path) -> None:
    """Every file that the quick start writes is one that git ignores."""
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    example = text[text.index("# prepare.sh") :].partition("```")[0]
    written = re.findall(r"(?m) > ?(\S+)$", example)
    assert len(written) == 4
    git = shutil.which("git")
    assert git
    subprocess.run([git, "init", "-q", tmp_path], check=True)
    shutil.copy(CHECKOUT / ".gitignore", tmp_path)
    asked = subprocess.run([git, "-C", tmp_path, "check-ignore", *written], capture_output=True, text=True, check=False)
    assert asked.stdout.split() == written
