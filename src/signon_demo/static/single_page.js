import { login, logout, request, session, watch } from "/auth/signon.mjs";
import { onTry, piece, shown, table, verdict } from "./parts.js";

const app = document.getElementById("app");
const backends = app.dataset.backends.split(" ").filter(Boolean);
const HERE = location.pathname;
const REASONS = {
  session_idle: "Nothing was done for too long: you have been signed out.",
  session_expired: "The session has come to its end.",
};
let who = null;
let ends = {};

const by = (id) => document.getElementById(id);

function changed(found) {
  who = found;
  by("loading").hidden = true;
  by("nobody").hidden = found.signed_in;
  by("somebody").hidden = !found.signed_in;
  if (found.signed_in) {
    by("who").textContent = found.claims.name ?? found.claims.email ?? found.claims.sub;
    wind(found);
  } else {
    by("reason").textContent = REASONS[found.reason] ?? "What needs a sign-in answers 401, and this page offers one.";
  }
}

/** Set the clocks by what the application has just said. */
function wind(found) {
  const until = (seconds) => (seconds === null ? null : performance.now() + 1000 * seconds);
  ends = {
    ends: until(found.expires_in),
    idle: until(found.idle_expires_in),
    token: until(found.token_expires_in),
  };
  tick();
}

function tick() {
  for (const [id, end] of Object.entries(ends)) by(id).textContent = end === null ? "unknown" : left(end);
}

function left(end) {
  const seconds = Math.max(0, Math.round((end - performance.now()) / 1000));
  const two = (number) => String(number).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** Ask the backend by way of the application, which has the token. */
async function ask(name) {
  const asking = who ?? (await session({ slide: false }));
  const provider = asking.signed_in ? asking.provider : backends[0];
  if (!backends.includes(provider)) return [verdict("caution", "No API", "There is none for the provider that you came by.")];
  const answer = await request(`/backend/${provider}/${name}`);
  const body = await answer.json();
  if (answer.status === 401 && body.login) return [verdict("bad", "401", body.detail), signIn()];
  const found = await session({ slide: false });
  if (found.signed_in) wind(found);
  if (!answer.ok) return refused(answer, body);
  return name === "heard" ? heard(body) : accepted(body);
}

function signIn() {
  const button = piece("button", "Sign in", { class: "button", type: "button" });
  button.addEventListener("click", () => attempted(() => login({ next: HERE })));
  return button;
}

function heard(body) {
  const rows = [
    ["Request", body.asked, "As the API has got it"],
    ["Access token", body.token ?? "none", "Put in by the application. This page has never seen it"],
    ["Cookies", String(body.cookies), "They stay between browser and application"],
    ["Header fields", body.headers.join(", "), "Only listed ones go on"],
  ];
  return [verdict("good", "200", "The API heard this:"), table("Field", rows, "span")];
}

function accepted(body) {
  const rows = [
    ["Issuer", body.issuer, "Who issued the token"],
    ["Subject", body.subject ?? "not said", "For whom it acts"],
    ["Scope", body.scopes.join(", ") || "not said", "What it is good for"],
  ];
  return [verdict("good", "200", "The API accepts the token:"), table("Field", rows, "span")];
}

function refused(answer, body) {
  const text = "This token is not for it: providers issue many only for themselves, or for other APIs. The API says:";
  return [verdict("bad", String(answer.status), text), piece("p", body.detail), piece("p", `Code: ${body.code}`, { class: "reference" })];
}

async function kept() {
  const cookies = document.cookie.split("; ").filter((cookie) => cookie.includes("signon"));
  const rows = [
    ["document.cookie", cookies.length ? `${cookies.length} of ours` : "nothing of ours", "The session’s cookie is there, and no script can read it"],
    ["localStorage", localStorage.length ? `${localStorage.length} entries` : "empty", "Kept until somebody clears it"],
    ["sessionStorage", sessionStorage.length ? `${sessionStorage.length} entries` : "empty", "Kept as long as the tab"],
  ];
  const nothing = cookies.length + localStorage.length + sessionStorage.length === 0;
  return [verdict(nothing ? "good" : "caution", nothing ? "Nothing" : "Something", "This is all that a smuggled-in script would find:"), table("Place", rows)];
}

/** Where the application would send the browser: told, not gone. */
async function address(provider) {
  const asked = new URL(who.auth_url);
  asked.pathname += `/${provider}`;
  asked.searchParams.set("next", HERE);
  const answer = await request(asked);
  const body = await answer.json();
  if (!answer.ok) return [verdict("bad", String(answer.status), body.detail)];
  const link = piece("a", `Go to ${new URL(body.url).host}`, { class: "button", href: body.url });
  return [verdict("good", "200", "The application has begun a sign-in, and says where it goes on:"), link];
}

/** What leaves the page when all is well. */
async function attempted(going) {
  by("trouble").replaceChildren();
  try {
    await going();
  } catch (error) {
    by("trouble").replaceChildren(verdict("caution", "No answer", `That did not work: ${error.message}`));
  }
}

by("login").addEventListener("click", () => attempted(() => login({ next: HERE })));
by("logout").addEventListener("click", () => attempted(() => logout({ after: HERE })));
for (const button of document.querySelectorAll("[data-provider]")) {
  button.addEventListener("click", () => shown(by("address"), () => address(button.dataset.provider)));
}
onTry((name) => shown(by(name), () => (name === "kept" ? kept() : ask(name))));
by("loading").hidden = false;
setInterval(tick, 1000);
watch(changed, { seconds: 20 });
