"""Asks over HTTP and reads the answer: python ask_over_http.py KEY_SET GATEWAY"""

import sys
import time
from pathlib import Path

import httpx
from posting import System, canonical, normal, uuid7

system, gateway = System.read(Path(sys.argv[1])), sys.argv[2]

control = {  # who asks whom for what, by what right, and by which officer
    "id": uuid7(),
    "sender": system.agency,
    "receiver": "221007",
    "basis": {"edition": "2015-12-27", "row": "57", "branch": 2},  # 児童扶養手当: 地方税関係情報
    "item": {"name": "income_tax_certificate", "layout": 1},  # 所得課税証明書情報
    "officer": {"office": "子育て支援課", "role": "allowance_clerk", "staff": "hamamatsu-0107"},
}
number = "SYN0000001"  # internal number (既存番号), never 個人番号
business = {"period": {"year": 2026}}
page = f"/v1/exchanges/{control['id']}"

with httpx.Client(base_url=gateway, trust_env=False) as client:
    posted = client.post(
        "/v1/inquiries",
        content=canonical({"control": normal(control), "subject": number, "business": normal(business)}),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {system.assert_request(control, number, business, time.time())}",
        },
    )
    print(posted.status_code, posted.headers.get("Location", posted.text))
    posted.raise_for_status()  # the same request again would change nothing
    for _ in range(300):
        assertion = system.assert_read(control["id"], time.time())
        answer = client.get(f"{page}/answer", headers={"Authorization": f"Bearer {assertion}"})
        if answer.status_code == httpx.codes.OK:
            break
        time.sleep(0.1)  # 404: there is no answer yet
    answer.raise_for_status()

ended = answer.json()
print(ended["state"], ended["business"]["outcome"], ended["business"]["records"][0]["taxation"]["annual_tax"])
