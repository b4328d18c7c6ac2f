"""The classes of agencies that the law table names and that a directory can list without reading another law."""

from enum import StrEnum
from typing import Final, Self


class AgencyClass(StrEnum):
    """One class of agencies (機関の区分); `japanese` is the exact word of the table.

    Single bodies and kinds of bodies stand side by side: the directory says which agency is which.
    English names of bodies are their own where they publish one, else working translations.
    """

    japanese: str

    MAYOR = "mayor", "市町村長"
    """Special wards' mayors (特別区の区長) included, as in the definition of 都道府県知事等."""
    GOVERNOR = "governor", "都道府県知事"
    GOVERNOR_ETC = "governor_etc", "都道府県知事等"
    """Governors, mayors of cities and special wards, and heads of towns and villages that run a welfare office
    (福祉に関する事務所); the last from the directory, since no law lists them."""
    HIROSHIMA_MAYOR = "hiroshima_mayor", "広島市長"
    NAGASAKI_MAYOR = "nagasaki_mayor", "長崎市長"
    PREFECTURAL_EDUCATION_BOARD = "prefectural_education_board", "都道府県教育委員会"
    MUNICIPAL_EDUCATION_BOARD = "municipal_education_board", "市町村教育委員会"
    MINISTER_HEALTH = "minister_health", "厚生労働大臣"
    MINISTER_EDUCATION = "minister_education", "文部科学大臣"

    PENSION_SERVICE = "pension_service", "日本年金機構"
    HEALTH_INSURANCE_ASSOCIATION = "health_insurance_association", "全国健康保険協会"
    HEALTH_INSURANCE_SOCIETY = "health_insurance_society", "健康保険組合"
    NATIONAL_HEALTH_INSURANCE_SOCIETY = "national_health_insurance_society", "国民健康保険組合"
    LATE_ELDERLY_UNION = "late_elderly_union", "後期高齢者医療広域連合"
    PRIVATE_SCHOOL_CORPORATION = "private_school_corporation", "日本私立学校振興・共済事業団"
    NATIONAL_OFFICERS_MUTUAL_AID = "national_officers_mutual_aid", "国家公務員共済組合"
    NATIONAL_OFFICERS_MUTUAL_AID_FEDERATION = "national_officers_mutual_aid_federation", "国家公務員共済組合連合会"
    LOCAL_OFFICERS_MUTUAL_AID = "local_officers_mutual_aid", "地方公務員共済組合"
    MUNICIPAL_OFFICERS_MUTUAL_AID_FEDERATION = (
        "municipal_officers_mutual_aid_federation",
        "全国市町村職員共済組合連合会",
    )
    AGRICULTURAL_MUTUAL_AID = "agricultural_mutual_aid", "農林漁業団体職員共済組合"
    LOCAL_OFFICERS_ACCIDENT_FUND = "local_officers_accident_fund", "地方公務員災害補償基金"
    NATIONAL_PENSION_FUND = "national_pension_fund", "国民年金基金"
    NATIONAL_PENSION_FUND_ASSOCIATION = "national_pension_fund_association", "国民年金基金連合会"
    FARMERS_PENSION_FUND = "farmers_pension_fund", "独立行政法人農業者年金基金"
    COAL_PENSION_FUND = "coal_pension_fund", "石炭鉱業年金基金"
    CORPORATE_PENSION_ASSOCIATION = "corporate_pension_association", "企業年金連合会"
    SOCIAL_WELFARE_COUNCIL = "social_welfare_council", "社会福祉協議会"
    STUDENT_SERVICES_ORGANIZATION = "student_services_organization", "独立行政法人日本学生支援機構"
    SPORT_COUNCIL = "sport_council", "独立行政法人日本スポーツ振興センター"
    MEDICAL_DEVICES_AGENCY = "medical_devices_agency", "独立行政法人医薬品医療機器総合機構"

    def __new__(cls, value: str, japanese: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.japanese = japanese
        return member


BY_JAPANESE: Final = {each.japanese: each for each in AgencyClass}

EVERY_CLASS: Final = frozenset(AgencyClass)

LOCAL_OFFICES: Final = frozenset(
    {
        AgencyClass.MAYOR,
        AgencyClass.GOVERNOR,
        AgencyClass.GOVERNOR_ETC,
        AgencyClass.HIROSHIMA_MAYOR,
        AgencyClass.NAGASAKI_MAYOR,
        AgencyClass.PREFECTURAL_EDUCATION_BOARD,
        AgencyClass.MUNICIPAL_EDUCATION_BOARD,
    }
)
"""Organs of local governments (地方公共団体の機関)."""

CORPORATIONS: Final = EVERY_CLASS - LOCAL_OFFICES - {AgencyClass.MINISTER_HEALTH, AgencyClass.MINISTER_EDUCATION}
"""Bodies with legal personality of their own, no organ of the state or of a local government."""
