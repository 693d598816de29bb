// @ts-check
/**
 * Signon for single-page applications: who is signed in, sign-in, sign-out, and requests to the application's own
 * endpoints. The provider's tokens stay on the server; this script never sees one.
 *
 * @typedef {import("./signon.d.mts").Session} Session
 * @typedef {import("./signon.d.mts").SignOnProblem} Problem
 * @typedef {import("./signon.d.mts").Token} Token
 */

const addresses = { session: new URL("session", import.meta.url).href };
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(`signon ${addresses.session}`) : null;
/** @type {Set<() => void>} */
const watchers = new Set();

/** An answer that says no: its status, the stable code of the server, and what it says to people. */
export class SignOnError extends Error {
  /** @param {number} status @param {Partial<Problem>} problem */
  constructor(status, problem) {
    super(problem.detail ?? `the server answered ${status}`);
    this.name = "SignOnError";
    this.status = status;
    this.code = problem.code ?? null;
    this.reference = problem.reference ?? null;
  }
}

/**
 * Only for an application whose session endpoint is not beside this script.
 * @param {{session: string | URL}} where
 */
export function configure({ session }) {
  addresses.session = new URL(session, document.baseURI).href;
}

/**
 * `fetch` for endpoints of the application: with its cookies, and the header without which they refuse.
 * @param {RequestInfo | URL} input
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export async function request(input, init = {}) {
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
  headers.set("X-CSRF", "1");
  const answer = await fetch(input, { ...init, headers, credentials: "include" });
  if (answer.status === 401) announce();
  return answer;
}

/**
 * Whether somebody is signed in, and what this page may know of them. With `slide: false` to ask is no use of the
 * session, which then ends when nobody does anything else.
 * @param {{slide?: boolean, signal?: AbortSignal}} [options]
 * @returns {Promise<Session>}
 */
export async function session({ slide = true, signal } = {}) {
  const address = new URL(addresses.session);
  if (!slide) address.searchParams.set("slide", "false");
  return json(await request(address, { signal, cache: "no-store" }));
}

/**
 * Go and sign in. The page is left, and the person comes back to `next`, a path of the application.
 * @param {{provider?: string, next?: string}} [options]
 * @returns {Promise<void>}
 */
export async function login({ provider, next } = {}) {
  const found = await session({ slide: false });
  if (found.signed_in) return;
  const here = new URL(found.login).origin === location.origin;
  const address = new URL(here ? found.login : found.auth_url);
  if (provider !== undefined) address.pathname += `/${encodeURIComponent(provider)}`;
  const wanted = next ?? (here ? location.pathname + location.search : undefined);
  if (wanted !== undefined) address.searchParams.set("next", wanted);
  location.assign(here ? address : (await json(await request(address))).url);
}

/**
 * A new access token of the application's own, for APIs that take those. Keep it in a variable, and nowhere else.
 * @returns {Promise<Token>}
 */
export async function token() {
  const found = await session({ slide: false });
  if (!found.signed_in) throw new SignOnError(401, { code: "login_needed", detail: "nobody is signed in" });
  if (!found.token) throw new SignOnError(404, { detail: "this application issues no tokens" });
  return json(await request(found.token, { method: "POST" }));
}

/**
 * Sign out here and in all tabs, then at the provider where it has a sign-out of its own: the page is left for that.
 * @param {{after?: string | URL}} [options] where to go when there is nothing to do at the provider
 * @returns {Promise<void>}
 */
export async function logout({ after } = {}) {
  const found = await session({ slide: false });
  const { url } = found.signed_in ? await json(await request(found.logout, { method: "POST" })) : { url: null };
  announce();
  channel?.postMessage("changed");
  const where = url ?? after;
  if (where != null) location.assign(where);
}

/**
 * Call `changed` with the session now, and whenever somebody signs in or out, in whatever tab, or the session ends.
 * Looks every `seconds`, while the page is seen, and when it is seen again. To look is no use of the session.
 * @param {(session: Session) => void} changed
 * @param {{seconds?: number}} [options]
 * @returns {() => void} stops it
 */
export function watch(changed, { seconds = 60 } = {}) {
  const stopped = new AbortController();
  /** @type {string | undefined} */
  let last;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let looking = false;
  let again = false;

  async function look() {
    clearTimeout(timer);
    again = looking;
    if (looking || document.hidden || stopped.signal.aborted) return;
    looking = true;
    let wait = seconds;
    /** @type {Session | undefined} */
    let found;
    try {
      found = await session({ slide: false, signal: stopped.signal });
      if (found.signed_in) wait = Math.min(seconds, Math.max(1, found.idle_expires_in + 1));
    } catch {
      // Not to be reached just now: what was known still holds, and the next look tells.
    }
    looking = false;
    if (stopped.signal.aborted) return;
    timer = setTimeout(look, again ? 0 : 1000 * wait);
    if (found) tell(found); // last: an error of the page's own is the page's to see, and the next look comes all the same
  }

  /** @param {Session} found */
  function tell(found) {
    const who = JSON.stringify(found.signed_in ? [found.provider, found.claims] : null);
    if (who === last) return;
    last = who;
    changed(found);
  }

  const options = { signal: stopped.signal };
  document.addEventListener("visibilitychange", look, options);
  channel?.addEventListener("message", look, options);
  watchers.add(look);
  look();
  return () => {
    watchers.delete(look);
    clearTimeout(timer);
    stopped.abort();
  };
}

/** Let the watchers of this page look at once. */
function announce() {
  for (const look of watchers) look();
}

/**
 * @param {Response} answer
 * @returns {Promise<any>}
 */
async function json(answer) {
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new SignOnError(answer.status, body);
  return body;
}
