import { onTry, piece, shortened, shown, table, verdict } from "./parts.js";

// The token lives in this variable: no other page, and nobody later, can read it here.
let held = null;

const page = document.getElementById("page");
const CLAIMS = {
  iss: "Who issued it: this application",
  sub: "For whom it acts",
  aud: "For which API it is",
  client_id: "To whom it was issued",
  iat: "When it was issued",
  exp: "When it ends; nothing can end it earlier",
  jti: "What tells it from all others",
  auth_time: "When you proved who you are",
  acr: "In which way you signed in",
  amr: "By means of",
  scope: "What it is good for",
  name: "Your name",
  email: "Your e-mail address",
  email_verified: "Whether the provider has checked that it is yours",
  roles: "Your roles here",
};
const CHALLENGE = {
  error: "What is wrong, in one word (RFC 6750)",
  error_description: "The same for a programmer",
  scope: "What a token must be good for",
  acr_values: "Ways of signing in, one of which will do (RFC 9470)",
  max_age: "How many seconds ago that may have been",
  resource_metadata: "Where the API says whose tokens it takes (RFC 9728)",
};
const ADVICE = {
  invalid_token: "This token does not open it. A program gets another one.",
  insufficient_scope: "The token is real, and not good for this. A program asks for more, or gives up.",
  insufficient_user_authentication: "The token is real, and the sign-in behind it too weak or too long ago.",
};
const CALLS = {
  good: { path: "/api/orders" },
  without: { path: "/api/orders", bears: () => null },
  changed: { path: "/api/orders", bears: changed },
  scope: { path: "/api/orders/new" },
  audience: { path: "/api/warehouse" },
  stronger: { path: "/api/payments" },
};

/** Another letter in the middle of the signature, where each bit counts. */
function changed(token) {
  const at = token.length - 20;
  return token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
}

function claims(token) {
  const text = atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
}

function written(name, value) {
  if (["iat", "exp", "auth_time"].includes(name)) return `${new Date(1000 * value).toLocaleString()} (${value})`;
  return Array.isArray(value) ? value.join(", ") : String(value);
}

async function get() {
  const answer = await fetch(page.dataset.token, { method: "POST", headers: { "X-CSRF": "1" } });
  const body = await answer.json();
  if (!answer.ok) return [verdict("bad", String(answer.status), body.detail), ...(answer.status === 401 ? [signIn()] : [])];
  held = body.access_token;
  const rows = Object.entries(claims(held)).map(([name, value]) => [name, written(name, value), CLAIMS[name]]);
  return [
    verdict("good", "Got it", `A token for ${body.expires_in} seconds, here by its ends alone:`),
    piece("code", shortened(held)),
    table("Claim", rows),
  ];
}

/** This page asks for a sign-in as it is loaded. */
function signIn() {
  return piece("a", "Sign in", { class: "button", href: location.pathname });
}

async function call(name) {
  const { path, bears = (token) => token } = CALLS[name];
  if (held === null && name !== "without") return [verdict("caution", "Not yet", "Get a token first, above.")];
  const bearer = bears(held);
  const headers = bearer === null ? {} : { Authorization: `Bearer ${bearer}` };
  // Without cookies: only the token counts.
  const answer = await fetch(path, { headers, credentials: "omit", cache: "no-store" });
  const body = await answer.json();
  if (answer.ok) return [verdict("good", String(answer.status), "The API has let the token in, and answers:"), said(body)];
  return refused(answer, body);
}

function said(body) {
  return table("Answer", Object.entries(body).map(([name, value]) => [name, [value].flat().join(", ")]));
}

function refused(answer, body) {
  const challenge = answer.headers.get("WWW-Authenticate") ?? "";
  const rows = [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value, CHALLENGE[name]]);
  const error = rows.find(([name]) => name === "error")?.[1];
  const advice = ADVICE[error] ?? "It wants a token, and tells nobody more who shows none.";
  const pieces = [verdict("bad", String(answer.status), `${body.detail[0].toUpperCase()}${body.detail.slice(1)}.`), piece("p", advice)];
  if (error === "insufficient_user_authentication") pieces.push(wayOn());
  return [...pieces, table("Challenge", rows), piece("p", `Code: ${body.code}`, { class: "reference" })];
}

function wayOn() {
  const address = page.dataset.stronger;
  if (address) return piece("a", "Sign in more strongly, and come back", { class: "button", href: address });
  return piece("p", "The provider that you came by knows one way of signing in only: choose another one to get in here.");
}

document.getElementById("get").addEventListener("click", () => shown(document.getElementById("token"), get));
onTry((name) => shown(document.getElementById(name), () => call(name)));
