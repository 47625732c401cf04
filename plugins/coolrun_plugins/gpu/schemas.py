"""What `Global.gpus` and `Global.resources` may be, as JSON Schemas for editors."""

from __future__ import annotations

_NAME = r"(\d{1,4}|(GPU|MIG)-[\w./-]+)"
_NUMBER = {"type": "integer", "minimum": 0}
_ONE = {"anyOf": [_NUMBER, {"type": "string", "pattern": f"^{_NAME}$"}]}
_LISTED = {"type": "string", "pattern": rf"^\s*{_NAME}\s*(,\s*{_NAME}\s*)*$"}
_SET = {"type": "array", "items": _ONE, "minItems": 1}

GPUS = {
    "anyOf": [{"enum": ["auto", "none", None]}, _NUMBER, _LISTED, {"type": "array", "items": _ONE}]
}
RESOURCES = {
    "anyOf": [
        {"type": "array", "items": {"anyOf": [_NUMBER, _LISTED, _SET]}, "minItems": 1},
        {"type": "null"},
    ]
}
