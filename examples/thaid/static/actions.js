// The four actions: each asks the application, and shows its answer in an alert that can be dismissed.
const box = document.getElementById("alert");
const HEADING = {true: "Done", false: "That did not work"};

function show(good, text) {
  box.className = `alert ${good ? "good" : "bad"}`;
  box.querySelector("strong").textContent = HEADING[good];
  box.querySelector("pre").textContent = text;
  box.hidden = false;
}

function lines(answer) {
  if (!answer.checks) return JSON.stringify(answer, null, 2);
  if (!answer.checks.length) return "There is no ID token: nothing was signed.";
  return answer.checks.map((check) => `${check.outcome}: ${check.rule}${check.why ? ` – ${check.why}` : ""}`).join("\n");
}

async function act(button) {
  button.disabled = true;
  try {
    const response = await fetch(button.dataset.action, {method: button.dataset.method, headers: {"X-CSRF": "1"}});
    const answer = await response.json();
    if (!response.ok) return show(false, [answer.title, answer.detail].filter(Boolean).join(". "));
    if (button.dataset.then) {
      sessionStorage.setItem("done", button.dataset.then);
      return location.reload();
    }
    const good = answer.checks ? answer.checks.length > 0 && answer.checks.every((check) => check.outcome !== "failed") : answer.active;
    show(good, lines(answer));
  } catch {
    show(false, "The application did not answer. Please try again in a moment.");
  } finally {
    button.disabled = false;
  }
}

const done = sessionStorage.getItem("done");
sessionStorage.removeItem("done");
if (done) show(true, done);
box.querySelector("button").addEventListener("click", () => { box.hidden = true; });
for (const button of document.querySelectorAll("[data-action]")) button.addEventListener("click", () => act(button));
