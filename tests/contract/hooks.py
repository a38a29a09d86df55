"""What the API tester cannot know from the document: how texts of our own formats are made, and which refusals of well-formed
requests are right. Loaded by schemathesis; see tests/it/contract/tools.rs.
"""

import base64
import json
import re

import schemathesis
from hypothesis import strategies as st

# --- Formats -------------------------------------------------------------------------------------------------------------

ATOMS = ["id = null", "id != null", "not id = null", "id in []", "(id != null)"]


def combined(parts):
    return st.tuples(parts, st.sampled_from([" and ", " or "]), parts).map(lambda t: f"({t[0]}{t[1]}{t[2]})")


# A condition that every table understands; conditions on single fields have parameters of their own.
schemathesis.openapi.format("filter", st.recursive(st.sampled_from(ATOMS), combined, max_leaves=6))
schemathesis.openapi.format("timezone", st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"]))

# --- Files ---------------------------------------------------------------------------------------------------------------

# A file is a text to the document; what is in it is a matter of its own.
FILES = {"text/csv", "application/x-ndjson"}
# A form with a file: neither what is in the file nor the order of the parts is in the document.
FORM = "multipart/form-data"


@schemathesis.serializer(*FILES)
def text_file(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode()


# --- Refusals that no schema can express ---------------------------------------------------------------------------------

# By status: the codes of failures that depend on more than the form of the request.
REASONS = {
    400: {"invalid_cursor"},  # a cursor is only good for the list it came from
    410: {"gone"},  # the setup link works once
    412: {"stale"},  # the record has another ETag
    413: {"payload_too_large"},
    414: {"uri_too_long"},
    431: {"headers_too_large"},
    422: {
        "query_too_costly",  # many conditions at once
        "idempotency_mismatch",  # the key was used for another request
        "rule_violated",
    },
}
# Codes of bad fields that depend on other records, on the caller or on the day.
FIELD_REASONS = {"reference", "rule", "unique"}
# `today` bounds a birthday; a patch of an object that is not there lacks what a new one needs.
SPECIAL = {("/birthday", "range")}


def has_reason(case, response):
    problem = json.loads(response.content)
    if problem["error"] in REASONS.get(response.status_code, ()):
        return True
    if response.status_code not in (400, 422):
        return False

    if case.media_type in FILES or case.media_type == FORM:
        return True

    def is_beyond_schemas(bad):
        if "row" in bad:
            return all(is_beyond_schemas(inner) for inner in bad["errors"])
        is_patch = case.method == "PATCH" and bad["code"] == "required"
        return bad["code"] in FIELD_REASONS or (bad["pointer"], bad["code"]) in SPECIAL or is_patch

    return bool(problem.get("errors")) and all(is_beyond_schemas(bad) for bad in problem["errors"])


@schemathesis.check
def refusals_have_reasons(ctx, response, case):
    """A request that the document allows is refused only for what no schema can say.

    The built-in check knows statuses only, so schemathesis.toml lets it pass all of 4xx; this one looks at the codes.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # 401, 403, 404 and 409 depend on the caller and on what is stored; 405 answers the probes with other methods.
    if response.status_code < 400 or response.status_code in (401, 403, 404, 405, 409, 429):
        return
    if not has_reason(case, response):
        raise AssertionError(f"refused without a reason: {response.status_code} {response.content.decode()}")


# --- The branch on which the tester sits ----------------------------------------------------------------------------------


@schemathesis.hook
def before_call(context, case, kwargs):
    """Nobody suspends, demotes or signs out the account that the tester itself is: it could not go on. It does so to others, and
    that the caller may not, or may, is tested in tests/it/identity.rs."""
    if case.method == "GET" or "/users/{id}" not in case.operation.path:
        return
    if own_id(case.headers) == (case.path_parameters or {}).get("id"):
        case.path_parameters["id"] = "00000000-0000-0000-0000-000000000000"


def own_id(headers):
    """Whose token a request carries."""
    parts = str((headers or {}).get("Authorization", "")).split(".")
    try:
        return json.loads(base64.urlsafe_b64decode(parts[1] + "=="))["sub"]
    except (IndexError, KeyError, TypeError, ValueError):
        return None


# --- Closed answers ------------------------------------------------------------------------------------------------------


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Clients must let unknown members of answers pass, so the document leaves answers open. Here they are closed: an answer
    with a member that the document does not name is a failure."""
    for name, schema in raw_schema["components"]["schemas"].items():
        if "properties" in schema and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
        without_tuples(schema, 90 if name.endswith(("Create", "Patch")) else 180)


@schemathesis.hook
def filter_case(context, case):
    """Leaves out cases that pass for faults and are none when they arrive: with one bound for both, a longitude beyond 90; and
    members of a condition such as `id[x]` whose value is an empty list, which schemathesis 4.32 hands to its HTTP client, and the
    client drops; and numbers that are to violate the format of a number and are whole numbers all the same."""
    query = case.query if isinstance(case.query, dict) else {}
    if is_whole_number_all_the_same(case, query):
        return False
    is_dropped = any("[" in str(name) and value in ([], {}, None) for name, value in query.items())
    return not is_dropped and not has_far_longitude(case.body)


WRONG_FORMAT = re.compile(r"[Vv]iolates `format` at /properties/([^/]+)/properties/(\w+)")


def is_whole_number_all_the_same(case, query):
    found = WRONG_FORMAT.search(getattr(case.meta and case.meta.phase.data, "description", None) or "")
    if not found:
        return False
    field, operator = found.groups()
    condition = query.get(field)
    value = condition.get(operator) if isinstance(condition, dict) else query.get(f"{field}[{operator}]")
    return re.fullmatch(r"-?[0-9]{1,18}", str(value)) is not None


def has_far_longitude(part):
    if isinstance(part, list):
        return any(has_far_longitude(inner) for inner in part)
    if not isinstance(part, dict):
        return False
    coordinates = part.get("coordinates")
    first = coordinates[0] if isinstance(coordinates, list) and coordinates else None
    is_far = isinstance(first, (int, float)) and 90 < abs(first) <= 180
    return is_far or any(has_far_longitude(inner) for inner in part.values())


def without_tuples(schema, bound):
    """Longitude and latitude are a tuple, which schemathesis 4.32 takes for the `items` of older drafts and then refuses. It is
    given numbers within one bound instead: in bodies what fits both, in answers what one of them may be."""
    if isinstance(schema, dict):
        if schema.pop("prefixItems", None):
            schema["items"] = {"type": "number", "minimum": -bound, "maximum": bound}
        schema = list(schema.values())
    for part in schema if isinstance(schema, list) else []:
        without_tuples(part, bound)
