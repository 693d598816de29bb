import { onTry, piece, shown, verdict } from "./parts.js";

const target = document.getElementById("page").dataset.target;
const HEADER = { "X-CSRF": "1" };
const ATTEMPTS = {
  read: () => asked("/auth/session"),
  preflight: () => asked("/auth/session", { headers: HEADER }),
  sign_in: () => image("/auth/login/oidc"),
  image: () => image("/auth/logout"),
  form: () => form("/auth/logout"),
  fetch: () => asked("/auth/logout", { method: "POST", mode: "no-cors" }),
  token: () => asked("/auth/token", { method: "POST", headers: HEADER }),
  proxy: () => asked("/backend/oidc/heard", { headers: HEADER }),
  password: () => asked("/auth/password", { method: "POST", mode: "no-cors", body: new URLSearchParams({ new: "taken" }) }),
};

/** What the browser lets this page know of an answer; `read` is true where it may read it. */
async function asked(path, init = {}) {
  try {
    const answer = await fetch(target + path, { credentials: "include", ...init });
    if (answer.type === "opaque") return { read: false, says: "the request was sent, and nothing of the answer is handed out." };
    return { read: true, says: `${answer.status}: ${(await answer.text()).slice(0, 80)}` };
  } catch (error) {
    return { read: false, says: `${error.message}.` };
  }
}

function image(path) {
  return new Promise((done) => {
    const made = new Image();
    made.onload = () => done({ read: true, says: "the image is shown." });
    made.onerror = () => done({ read: false, says: "there is no image." });
    made.src = `${target}${path}?${Math.random()}`;
  });
}

/** A form that a person would not notice: its answer goes into a frame that is hidden. */
function form(path) {
  return new Promise((done) => {
    const frame = piece("iframe", "", { name: "unseen", hidden: "", title: "unseen" });
    const made = piece("form", "", { method: "post", action: target + path, target: "unseen", hidden: "" });
    document.body.append(frame, made);
    frame.addEventListener("load", () => {
      const read = frame.contentDocument !== null;
      done({ read, says: read ? "the answer can be read." : "the form was sent, and nobody may look at the answer." });
      frame.remove();
      made.remove();
    });
    made.submit();
  });
}

/** What the application has answered since: the demo tells it, for you to see. */
async function heard(after) {
  return (await fetch(`/heard?after=${after}`)).json();
}

function judged(read, answers) {
  if (read || answers.some(({ status }) => status < 400)) return ["bad", "Got in"];
  return answers.length > 0 ? ["good", "Refused"] : ["caution", "No answer"];
}

function told({ request, cookie, status, code }) {
  return `${request}, ${cookie ? "with" : "without"} your cookies: ${[status, code].filter(Boolean).join(" ")}`;
}

async function attempt(name) {
  const output = document.getElementById(name);
  await shown(output, async () => {
    const before = (await heard(0)).at(-1)?.number ?? 0;
    const { read, says } = await ATTEMPTS[name]();
    const answers = await heard(before);
    const application = answers.map(told).join("; ") || "has heard nothing";
    const [kind, word] = judged(read, answers);
    return [verdict(kind, word, `The browser: ${says}`), piece("p", `The application: ${application}`, { class: "small said" })];
  });
  return output.querySelector(".badge").textContent;
}

document.getElementById("all").addEventListener("click", async () => {
  const sum = document.getElementById("sum");
  sum.textContent = "Trying …";
  const words = [];
  for (const name of Object.keys(ATTEMPTS)) words.push(await attempt(name));
  const through = words.filter((word) => word === "Got in").length;
  const lost = words.filter((word) => word === "No answer").length;
  sum.textContent = `${words.length} attempts, ${through || "none"} got in${lost ? `; ${lost} had no answer` : ""}.`;
});
onTry(attempt);
