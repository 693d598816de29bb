// What the backend is asked, in the document's way: each call with cookies, and none of them ever a redirect.
import {BACKEND} from "/config.mjs";

const ask = (path, options = {}) => fetch(BACKEND + path, {credentials: "include", ...options});

async function answer(response) {
  if (!response.ok) throw new Error(`The backend answered ${response.status}.`);
  return response.json();
}

/** Who is signed in: `{sub, data, employments, employment}`, or null. */
export async function whoIsIn() {
  const response = await ask("/api/userinfo");
  return response.status === 401 ? null : answer(response);
}

/** Leave for sgID. The flavour comes back with whoever signs in there. */
export async function signIn(flavour) {
  const {url} = await answer(await ask(`/api/auth-url?icecream=${encodeURIComponent(flavour)}`));
  location.href = url;
}

export const signOut = async () => answer(await ask("/api/logout"));

/** Say for which of several posts one is here. */
export const chooseEmployment = async (number) =>
  answer(await ask(`/api/employment/${number}`, {method: "POST", headers: {"X-CSRF": "1"}}));
