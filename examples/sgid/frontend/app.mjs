// The address says which page is shown; what fails while one is made or used is shown as the error page.
import {failed, home, loggedIn} from "/pages.mjs";

const PAGES = {"/": home, "/logged-in": loggedIn, "/error": failed};
const frame = document.getElementById("page");
let last = 0;

async function show(problem) {
  const mine = ++last;
  const page = problem ? failed : PAGES[location.pathname] ?? home;
  frame.setAttribute("aria-busy", "true");
  let parts;
  try {
    parts = await page(go, problem);
  } catch (error) {
    parts = await failed(go, error);
  }
  if (mine !== last || parts === undefined) return;
  frame.replaceChildren(...parts);
  frame.removeAttribute("aria-busy");
  document.title = `${frame.querySelector("h1").textContent} · sgID Demo`;
  if (mine > 1) frame.focus();
}

function go(path) {
  history.pushState(null, "", path);
  show();
}

/** A function that shows the error page where `act` fails. */
go.trying = (act) => async () => {
  try {
    await act();
  } catch (error) {
    show(error);
  }
};

addEventListener("popstate", () => show());
addEventListener("pageshow", (event) => event.persisted && show());
show();
