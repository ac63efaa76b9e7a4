"""Users, repositories, workflows and environments in the shapes of GitHub's REST API.

Shapes: https://github.com/github/rest-api-description. Every URL starts with the address that the caller used, because
clients refuse to follow one to another host.
"""

from base64 import b64encode, encodebytes
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha1
from urllib.parse import quote

from orchestrator.local.github.call import JsonObject
from orchestrator.local.github.environment import Environment, Reviewer
from orchestrator.local.github.repository import Repository
from orchestrator.local.github.state import StandIn
from orchestrator.local.github.workflow import Workflow

_USER_LINKS = (
    ("followers_url", "/followers"),
    ("following_url", "/following{/other_user}"),
    ("gists_url", "/gists{/gist_id}"),
    ("starred_url", "/starred{/owner}{/repo}"),
    ("subscriptions_url", "/subscriptions"),
    ("organizations_url", "/orgs"),
    ("repos_url", "/repos"),
    ("events_url", "/events{/privacy}"),
    ("received_events_url", "/received_events"),
)
_REPOSITORY_LINKS = (
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
)


def moment(at: datetime) -> str:
    """A moment as GitHub writes it: UTC, whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def quoted(text: str) -> str:
    """A name as one segment of a URL."""
    return quote(text, safe="")


def node_id(kind: str, number: int) -> str:
    """GitHub's other, opaque id of a thing."""
    return b64encode(f"{kind}:{number}".encode()).decode()


def user(stand_in: StandIn, login: str, address: str) -> JsonObject:
    """A `simple-user`."""
    return _user(stand_in.id_of("User", login), login, address)


def public_user(stand_in: StandIn, login: str, address: str) -> JsonObject:
    """A `public-user`, which is what a token learns about its owner."""
    since = moment(stand_in.now())
    nothing = dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    return user(stand_in, login, address) | nothing | counts | {"created_at": since, "updated_at": since}


def team(stand_in: StandIn, reviewer: Reviewer, address: str) -> JsonObject:
    """A `team`."""
    number = stand_in.id_of("Team", reviewer.name)
    url = f"{address}/teams/{number}"
    return {
        "id": number,
        "node_id": node_id("Team", number),
        "name": reviewer.name,
        "slug": reviewer.name,
        "description": None,
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "permission": "push",
        "url": url,
        "html_url": f"{address}/orgs/teams/{reviewer.name}",
        "members_url": f"{url}/members{{/member}}",
        "repositories_url": f"{url}/repos",
        "type": "organization",
        "parent": None,
    }


def reviewers(stand_in: StandIn, environment: Environment, address: str) -> list[JsonObject]:
    """The required reviewers, as an environment and a waiting run show them."""
    shown: list[JsonObject] = []
    for reviewer in environment.rules.reviewers:
        is_team = reviewer.members is not None
        who = team(stand_in, reviewer, address) if is_team else user(stand_in, reviewer.name, address)
        shown.append({"type": reviewer.kind, "reviewer": who})
    return shown


def repository(stand_in: StandIn, home: Repository, address: str) -> JsonObject:
    """A `minimal-repository`."""
    owner = stand_in.id_of("User", home.name.partition("/")[0])
    return _repository(home.id, home.name, owner, home.settings.private, address)


def full_repository(stand_in: StandIn, home: Repository, address: str) -> JsonObject:
    """A `full-repository`."""
    since, web = moment(home.created_at), f"{address}/{home.name}"
    counts = ("forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count")
    more_counts = ("watchers", "watchers_count", "network_count", "subscribers_count")
    features = ("has_issues", "has_projects", "has_wiki", "has_pages", "has_discussions", "archived", "disabled")
    return (
        repository(stand_in, home, address)
        | dict.fromkeys(counts + more_counts, 0)
        | dict.fromkeys(features, False)
        | dict.fromkeys(("homepage", "language", "mirror_url", "license"))
        | {
            "default_branch": home.settings.default_branch,
            "visibility": "private" if home.settings.private else "public",
            "clone_url": f"{web}.git",
            "git_url": f"{web}.git",
            "ssh_url": f"{web}.git",
            "svn_url": web,
            "created_at": since,
            "updated_at": since,
            "pushed_at": since,
            "permissions": {"admin": True, "maintain": True, "push": True, "triage": True, "pull": True},
        }
    )


def workflow(home: Repository, file: Workflow, address: str) -> JsonObject:
    """A `workflow`."""
    since = moment(file.created_at or home.created_at)
    return {
        "id": file.id,
        "node_id": node_id("Workflow", file.id),
        "name": file.title,
        "path": file.path,
        "state": "active",
        "created_at": since,
        "updated_at": since,
        "url": f"{address}/repos/{home.name}/actions/workflows/{file.id}",
        "html_url": f"{address}/{home.name}/blob/{home.settings.default_branch}/{file.path}",
        "badge_url": f"{address}/{home.name}/workflows/{file.file}/badge.svg",
    }


def workflow_source(home: Repository, file: Workflow, address: str) -> JsonObject:
    """A `content-file` with the workflow's text."""
    text = file.text().encode()
    sha = sha1(b"blob %d\0%s" % (len(text), text), usedforsecurity=False).hexdigest()
    url = f"{address}/repos/{home.name}/contents/{file.path}"
    git = f"{address}/repos/{home.name}/git/blobs/{sha}"
    html = f"{address}/{home.name}/blob/{home.settings.default_branch}/{file.path}"
    return {
        "type": "file",
        "encoding": "base64",
        "size": len(text),
        "name": file.file,
        "path": file.path,
        "content": encodebytes(text).decode(),
        "sha": sha,
        "url": url,
        "git_url": git,
        "html_url": html,
        "download_url": f"{address}/{home.name}/raw/{home.settings.default_branch}/{file.path}",
        "_links": {"self": url, "git": git, "html": html},
    }


def environment_stub(home: Repository, one: Environment, address: str) -> JsonObject:
    """An environment as runs and approvals name it."""
    return {
        "id": one.id,
        "node_id": node_id("Environment", one.id),
        "name": one.name,
        "url": f"{address}/repos/{home.name}/environments/{quoted(one.name)}",
        "html_url": f"{address}/{home.name}/deployments/activity_log?environments_filter={quoted(one.name)}",
    }


def environment(stand_in: StandIn, home: Repository, one: Environment, address: str) -> JsonObject:
    """An `environment` with its protection rules."""
    rules: list[JsonObject] = []
    if one.rules.wait_timer:
        rules.append(_rule(one, 0, "wait_timer") | {"wait_timer": one.rules.wait_timer})
    if one.rules.reviewers:
        who = {"prevent_self_review": one.rules.prevent_self_review, "reviewers": reviewers(stand_in, one, address)}
        rules.append(_rule(one, 1, "required_reviewers") | who)
    policy = one.rules.branch_policy
    if policy is not None:
        rules.append(_rule(one, 2, "branch_policy"))
    return environment_stub(home, one, address) | {
        "created_at": moment(one.created_at),
        "updated_at": moment(one.updated_at),
        "can_admins_bypass": True,
        "protection_rules": rules,
        "deployment_branch_policy": policy
        and {
            "protected_branches": policy.protected_branches,
            "custom_branch_policies": policy.custom_branch_policies,
        },
    }


def _rule(one: Environment, index: int, kind: str) -> JsonObject:
    number = one.id * 10 + index
    return {"id": number, "node_id": node_id("Gate", number), "type": kind}


@lru_cache(maxsize=1024)
def _user(number: int, login: str, address: str) -> JsonObject:
    url = f"{address}/users/{quoted(login)}"
    return {
        "login": login,
        "id": number,
        "node_id": node_id("User", number),
        "avatar_url": f"{address}/avatars/{number}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{address}/{quoted(login)}",
        **{name: url + suffix for name, suffix in _USER_LINKS},
        "type": "Bot" if login.endswith("[bot]") else "User",
        "site_admin": False,
    }


@lru_cache(maxsize=256)
def _repository(number: int, name: str, owner: int, private: bool, address: str) -> JsonObject:
    url = f"{address}/repos/{name}"
    return {
        "id": number,
        "node_id": node_id("Repository", number),
        "name": name.partition("/")[2],
        "full_name": name,
        "owner": _user(owner, name.partition("/")[0], address),
        "private": private,
        "html_url": f"{address}/{name}",
        "description": None,
        "fork": False,
        "url": url,
        **{link: url + suffix for link, suffix in _REPOSITORY_LINKS},
    }
