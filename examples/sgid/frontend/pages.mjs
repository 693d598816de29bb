// The three pages. Whatever comes from elsewhere is put in as text, never as HTML.
import {chooseEmployment, signIn, signOut, whoIsIn} from "/backend.mjs";

const FLAVOURS = ["Vanilla", "Chocolate", "Strawberry"];
const REASONS = {access_denied: "You cancelled the sign-in."};

/** An element with these properties and children. */
function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function button(text, act, {busy = text, ...properties} = {}) {
  const made = make("button", {type: "button", ...properties}, text);
  made.addEventListener("click", async () => {
    Object.assign(made, {disabled: true, textContent: busy});
    await act();
  });
  return made;
}

function choices(legend, texts, chosen) {
  const lines = texts.map((text, number) =>
    make("label", {}, make("input", {type: "radio", name: "choice", value: number, checked: number === chosen}), text));
  return make("fieldset", {}, make("legend", {}, legend), ...lines);
}

const picked = (fieldset) => {
  const found = fieldset.querySelector(":checked");
  return found === null ? null : Number(found.value);
};

function table(caption, rows) {
  const lines = rows.map(([name, value]) =>
    make("tr", {}, make("th", {scope: "row"}, name), make("td", {}, value ?? "not said")));
  return make("table", {ariaLabel: caption}, make("tbody", {}, ...lines));
}

export async function home(go) {
  if (await whoIsIn()) return go("/logged-in");
  const flavours = choices("Favourite ice cream flavour", FLAVOURS, 0);
  return [
    make("h1", {}, "sgID Demo"),
    make("p", {}, "Sign in with Singpass, and see what sgID tells this application of you."),
    flavours,
    make("p", {className: "soft"}, "Your choice is kept while you sign in, and comes back with you."),
    button("Login with Singpass app", go.trying(() => signIn(FLAVOURS[picked(flavours)])), {busy: "One moment…"}),
  ];
}

export async function loggedIn(go) {
  const user = await whoIsIn();
  if (!user) return go("/");
  const posts = user.employments ?? [];
  const here = posts.length === 1 ? 0 : user.employment;
  const leave = button("Log out and try again", leaving(go), {className: "quiet", busy: "Logging out…"});
  if (posts.length > 1 && here === null) return [...employments(go, posts), leave];
  const rows = [
    ["sgID", user.sub],
    ["Name", user.data["myinfo.name"]],
    ["Favourite ice cream flavour", user.data.iceCream],
    ...(posts.length ? [["You are here for", shown(posts[here])]] : []),
  ];
  return [make("h1", {}, "Logged in successfully!"), table("Who you are", rows), leave];
}

function employments(go, posts) {
  const list = choices("Your posts", posts.map(shown), 0);
  const choose = async () => {
    await chooseEmployment(picked(list));
    go("/logged-in");
  };
  return [
    make("h1", {}, "Which post are you here for?"),
    make("p", {}, "You work for more than one agency. What you do here is done for the one that you choose."),
    list,
    make("p", {}, button("Go on", go.trying(choose))),
  ];
}

const shown = (post) =>
  [post.employment_title, post.department_name, post.agency_name, post.work_email].filter(Boolean).join(", ") || "not said";

export async function failed(go, problem) {
  const reason = new URLSearchParams(location.search).get("reason");
  const known = !problem && Object.hasOwn(REASONS, reason);
  const text = known ? REASONS[reason] : problem?.message;
  const checks = [make("li", {}, "Is the server running?"), make("li", {}, "Are its credentials right?")];
  return [
    make("h1", {}, "Something went wrong."),
    ...(text ? [make("p", {}, text)] : []),
    ...(known ? [] : [make("ul", {}, ...checks)]),
    button("Back to home", leaving(go), {busy: "One moment…"}),
  ];
}

const leaving = (go) => go.trying(async () => {
  await signOut();
  go("/");
});
