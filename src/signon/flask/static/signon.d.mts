/** Signon for single-page applications. The provider's tokens stay on the server. */

/** Somebody is signed in. Times are in seconds from now. */
export interface SignedIn {
  signed_in: true;
  /** The provider that they signed in with. */
  provider: string;
  /** What scripts may know of them, by the setting SIGNON_SESSION_CLAIMS. */
  claims: Record<string, unknown> & { sub?: string; name?: string; email?: string };
  /** Until the session ends, whatever is done. */
  expires_in: number;
  /** Until it ends if nothing is done. */
  idle_expires_in: number;
  /** Until the access token is to be renewed, which the server does; null where nobody knows. */
  token_expires_in: number | null;
  /** Where to sign out, by POST. */
  logout: string;
  /** Where tokens of the application's own are to be had, by POST; absent where it issues none. */
  token?: string;
}

/** Nobody is. */
export interface SignedOut {
  signed_in: false;
  /** Which limit ended the session that there was. */
  reason: "session_idle" | "session_expired" | null;
  /** Where to sign in, for a navigation. */
  login: string;
  /** Where a script is told an address to sign in. */
  auth_url: string;
}

export type Session = SignedIn | SignedOut;

/** A token of the application's own (RFC 6749 5.1). */
export interface Token {
  access_token: string;
  token_type: "Bearer";
  /** Seconds from now. */
  expires_in: number;
}

/** The body of an answer that says no (RFC 9457). */
export interface SignOnProblem {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** Stable: what to decide by. */
  code: string;
  /** The log has it, too. */
  reference: string;
  /** With status 401: where to sign in. */
  login?: string;
}

/** An answer that says no. */
export class SignOnError extends Error {
  constructor(status: number, problem: Partial<SignOnProblem>);
  readonly status: number;
  readonly code: string | null;
  readonly reference: string | null;
}

/** Only for an application whose session endpoint is not beside this script. */
export function configure(where: { session: string | URL }): void;

/** Whether somebody is signed in. With `slide: false` to ask is no use of the session. */
export function session(options?: { slide?: boolean; signal?: AbortSignal }): Promise<Session>;

/** Go and sign in; the person comes back to `next`, a path of the application. */
export function login(options?: { provider?: string; next?: string }): Promise<void>;

/** A new token of the application's own, for APIs that take those. Keep it in a variable, and nowhere else. */
export function token(): Promise<Token>;

/** Sign out, in all tabs and at the provider; go to `after` where there is nothing to do there. */
export function logout(options?: { after?: string | URL }): Promise<void>;

/** `fetch` for endpoints of the application: with its cookies, and the header without which they refuse. */
export function request(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;

/** Call `changed` now, and whenever somebody signs in or out. Returns what stops it. */
export function watch(changed: (session: Session) => void, options?: { seconds?: number }): () => void;
