// The application's own token lives in this variable: no other page, and nobody later, can read it there.
let held = null;

async function asked(address, options) {
  const response = await fetch(address, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.title}. ${answer.detail}`);
  return answer;
}

async function token(address) {
  if (held === null || Date.now() > held.until) {
    const answer = await asked(address, {method: "POST", headers: {"X-CSRF": "1"}});
    held = {text: answer.access_token, until: Date.now() + 1000 * (answer.expires_in - 10)};
  }
  return held.text;
}

const button = document.getElementById("ask");
button?.addEventListener("click", async () => {
  const output = document.getElementById("answer");
  try {
    const bearer = {Authorization: `Bearer ${await token(button.dataset.token)}`};
    const me = await asked(button.dataset.api, {headers: bearer});
    output.textContent = `The API says: you are ${me.name}, ${me.subject}.`;
  } catch (error) {
    output.textContent = `That did not work. ${error.message}`;
  }
});

const form = document.getElementById("forgotten");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const output = document.getElementById("sent");
  try {
    await asked(form.action, {method: "POST", headers: {"X-CSRF": "1"}, body: new FormData(form)});
    output.textContent = "If this address has a password here, a link is on its way.";
  } catch (error) {
    output.textContent = error.message;
  }
});
