"""Every key of a policy file: its shape check, its JSON Schema and its documentation come from this one table."""

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.policy.policy import Gate, Mode, Transfer, Trigger


class Takes(StrEnum):
    """What stands at a key."""

    VERSION = "version"
    TEXT = "text"
    WORD = "word"
    TEXTS = "texts"
    WORDS = "words"
    EXPRESSION = "expression"
    INPUTS = "inputs"
    SECTION = "section"
    SECTIONS = "sections"
    NAMED_SECTIONS = "named sections"


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `words` for WORD and WORDS, `pattern` (and what it `allows`, in words) for texts, `of` for sections."""

    name: str
    takes: Takes
    says: str
    required: bool = False
    words: tuple[str, ...] = ()
    pattern: str = r"^[^\r\n]{1,255}$"
    allows: str = "one line of at most 255 characters"
    of: tuple["Key", ...] = ()


NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$"
NAME_ALLOWS = "letters, digits, dot, dash and underscore, at most 50, beginning with a letter or digit"
REPOSITORY = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$"
REF = r"^(?![0-9a-fA-F]{40}$)[^\s~^:?*\[\\-][^\s~^:?*\[\\]{0,249}$"
WORKSPACE = (
    r"^/[Ss]ubscriptions/[^/\s]+/[Rr]esource[Gg]roups/[^/\s]+"
    r"/[Pp]roviders/[Mm]icrosoft\.[Mm]achine[Ll]earning[Ss]ervices/[Ww]orkspaces/[^/\s]+/?$"
)
WORKSPACE_ALLOWS = (
    "/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.MachineLearningServices/workspaces/NAME "
    "(az ml workspace show --query id)"
)
DURATION = r"^[1-9][0-9]{0,4}[mhd]$"
DURATION_ALLOWS = "a whole number with m, h or d: 90m, 24h, 7d"
RESERVED_ENVIRONMENTS = ("rollback", "retrain", "shadow")
RESERVED_CHECKS = ("gate",)

_PATTERNS = 'a list of patterns, such as ["diabetes-*"]'
_REPOSITORY = Key(
    "repository", Takes.TEXT, "Repository that holds the workflow.", pattern=REPOSITORY, allows="owner/name"
)
_REF = Key(
    "ref",
    Takes.TEXT,
    "Branch or tag whose workflow runs; main where nothing is stated.",
    pattern=REF,
    allows="a branch or tag name (GitHub starts no workflow on a commit id)",
)
_GITHUB_ENVIRONMENT = Key(
    "environment",
    Takes.TEXT,
    "Name of the GitHub environment; the environment's own name where nothing is stated.",
    pattern=r"^[^'\"`,;\\\r\n]{1,255}$",
    allows="a name without quotes, commas, semicolons and backslashes",
)

ENVIRONMENT = (
    Key("workspace", Takes.TEXT, "Azure resource id of the workspace.", True, (), WORKSPACE, WORKSPACE_ALLOWS),
    Key(
        "gate",
        Takes.WORD,
        "required: nothing enters unless GitHub's environment has required reviewers. Stated where a route leads.",
        words=tuple(Gate),
    ),
    Key(
        "github",
        Takes.SECTION,
        "Another repository, ref or environment name on GitHub.",
        of=(_REPOSITORY, _REF, _GITHUB_ENVIRONMENT),
    ),
)

CHECK = (
    Key(
        "name",
        Takes.TEXT,
        "Name of the check, unique in its route.",
        pattern=r"^[^\r\n]{1,100}$",
        allows="one line of at most 100 characters",
    ),
    Key("expect", Takes.EXPRESSION, "What must be true (CEL)."),
    Key("when", Takes.EXPRESSION, "Where it must be true (CEL); where this is false the check passes."),
    Key(
        "soak",
        Takes.TEXT,
        "How long the version must have been in the environment below.",
        pattern=DURATION,
        allows=DURATION_ALLOWS,
    ),
)

ROUTE = (
    Key("name", Takes.TEXT, "Name of the route.", True, (), NAME, NAME_ALLOWS),
    Key("models", Takes.TEXTS, "Patterns of model names: * and ? as in file names.", allows=_PATTERNS),
    Key("experiments", Takes.TEXTS, "Patterns of experiment names, for run-completed.", allows=_PATTERNS),
    Key("as", Takes.TEXT, "The model's name, for run-completed; the experiment's name where nothing is stated."),
    Key("runs", Takes.WORD, "For run-completed: root runs only (the default), or all.", words=("root", "all")),
    Key("from", Takes.TEXT, "The environment in which the signal is seen.", True, (), NAME, NAME_ALLOWS),
    Key("to", Takes.TEXT, "The environment that the candidate is to enter.", True, (), NAME, NAME_ALLOWS),
    Key("on", Takes.WORDS, "The signals that ask for a promotion.", True, tuple(Trigger)),
    Key("only", Takes.EXPRESSION, "Which candidates count (CEL); the others open nothing."),
    Key(
        "workflow",
        Takes.TEXT,
        "File name of the workflow.",
        True,
        (),
        r"^[A-Za-z0-9._-]{1,200}\.ya?ml$",
        "a file name in .github/workflows, such as promote.yml",
    ),
    Key(
        "github", Takes.SECTION, "Another repository, ref or environment.", of=(_REPOSITORY, _REF, _GITHUB_ENVIRONMENT)
    ),
    Key("transfer", Takes.WORD, "How the model gets there; default copy.", words=tuple(Transfer)),
    Key("inputs", Takes.INPUTS, "Inputs for the workflow besides the standard ones: text with ${CEL}; null drops one."),
    Key("checks", Takes.SECTIONS, "What must be true.", of=CHECK),
    Key(
        "mode", Takes.WORD, "disabled, shadow (decides and records only), or enabled (the default).", words=tuple(Mode)
    ),
    Key(
        "evidence_timeout",
        Takes.TEXT,
        "How long to wait for evidence that is not there; default 7d.",
        pattern=DURATION,
        allows=DURATION_ALLOWS,
    ),
)

FILE = (
    Key("version", Takes.VERSION, "Version of the format.", True),
    Key(
        "github",
        Takes.SECTION,
        "Where workflows run, unless a route or an environment says otherwise.",
        of=(_REPOSITORY, _REF),
    ),
    Key(
        "environments",
        Takes.NAMED_SECTIONS,
        "The environments, in order.",
        pattern=NAME,
        allows=NAME_ALLOWS,
        of=ENVIRONMENT,
    ),
    Key("promotions", Takes.SECTIONS, "The routes; of several that fit the first opens.", of=ROUTE),
)

# What later versions will enforce. A key that is read and not enforced would be worse than one that is refused.
LATER_KEYS = {
    "windows": "days and hours in which promotions may start",
    "approvals": "a number of approvals and who may not give them",
    "told_by": "telling environments on one workspace apart",
    "was": "renaming an environment",
    "retraining": "training again when a monitor fires",
    "at_once": "a limit of promotions at a time",
    "notify": "messages to people",
    "roles": "who may do what",
    "auto_rollback": "rolling back by itself",
}
LATER_TRIGGERS = ("monitor-breached", "drift-detected", "alert-fired")
