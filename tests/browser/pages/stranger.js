// What a page of another origin can try. Gives a list of [try, outcome]: what it could read where it could, else
// "nothing"; for what is loaded into the page the event that told of it.
async ({ origin, targets }) => {
  const outcomes = [];
  const form = "application/x-www-form-urlencoded";
  const scripts = {
    simple: {},
    "no-cors": { mode: "no-cors" },
    followed: { redirect: "follow" },
    preflighted: { headers: { "X-CSRF": "1" } },
    "with JSON": { headers: { "X-CSRF": "1", "Content-Type": "application/json" }, body: true },
    "text/plain": { headers: { "Content-Type": "text/plain" }, body: true },
    form: { headers: { "Content-Type": form }, body: true },
    "no-cors text/plain": { mode: "no-cors", headers: { "Content-Type": "text/plain" }, body: true },
    "another method": { headers: { "X-HTTP-Method-Override": "POST" } },
    "with a token": { headers: { Authorization: "Bearer x" } },
    "kept alive": { mode: "no-cors", keepalive: true },
    "without a referrer": { mode: "no-cors", referrerPolicy: "no-referrer" },
  };
  const quiet = ["opaque", "opaqueredirect"];

  async function fetched(way, name, method, url, body, { body: needs, ...init }) {
    if (needs && body === null) return;
    const given = { method, body, credentials: "include", redirect: "manual", ...init };
    const outcome = await fetch(url, given).then(
      async (answer) => (quiet.includes(answer.type) ? "nothing" : `${answer.status} ${await answer.text()}`),
      () => "nothing",
    );
    outcomes.push([`${method} ${name} fetch, ${way}`, outcome]);
  }

  function asked(method, url, body) {
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open(method, url);
      request.withCredentials = true;
      request.onload = () => done(request.responseText);
      request.onerror = () => done("nothing");
      request.send(body);
    });
  }

  const made = (tag, fields) => Object.assign(document.createElement(tag), fields);
  const elements = {
    image: (url) => made("img", { src: url }),
    "image with credentials": (url) => made("img", { crossOrigin: "use-credentials", src: url }),
    script: (url) => made("script", { src: url }),
    module: (url) => made("script", { type: "module", crossOrigin: "use-credentials", src: url }),
    "style sheet": (url) => made("link", { rel: "stylesheet", href: url }),
    prefetch: (url) => made("link", { rel: "prefetch", href: url }),
    preload: (url) => made("link", { rel: "preload", as: "fetch", href: url }),
    frame: (url) => made("iframe", { src: url }),
    object: (url) => made("object", { data: url }),
    embed: (url) => made("embed", { src: url }),
    video: (url) => made("video", { src: url }),
  };

  function loaded(element) {
    return new Promise((done) => {
      element.onload = element.onloadeddata = () => done("load");
      element.onerror = () => done("error");
      setTimeout(() => done("silence"), 15_000);
      document.body.append(element);
    });
  }

  function sent(method, url, enctype) {
    const name = `frame-${Math.random()}`;
    document.body.append(made("iframe", { name }));
    const it = made("form", { method, action: url, enctype, target: name });
    it.append(made("input", { name: '{"order": 1, "x": "', value: '"}' }));
    document.body.append(it);
    it.submit();
  }

  function seen(frame) {
    try {
      return frame.contentDocument ? frame.contentDocument.body.innerText || "nothing" : "nothing";
    } catch {
      return "nothing";
    }
  }

  function rules(sheet) {
    try {
      return sheet.cssRules.length ? sheet.cssRules[0].cssText : "nothing";
    } catch {
      return "nothing";
    }
  }

  const each = async ([name, method, path, body]) => {
    const url = origin + path;
    await Promise.all(Object.entries(scripts).map(([way, init]) => fetched(way, name, method, url, body, init)));
    outcomes.push([`${method} ${name} XMLHttpRequest`, await asked(method, url, body)]);
    if (body !== null) navigator.sendBeacon(url, new Blob([body], { type: "text/plain" }));
    if (method === "POST") for (const type of [form, "multipart/form-data", "text/plain"]) sent(method, url, type);
    if (method !== "GET") return;
    sent(method, url, form);
    const tries = Object.entries(elements).map(async ([way, make]) => {
      outcomes.push([`${name} as ${way}`, await loaded(make(url))]);
    });
    outcomes.push([`${name} as a script of its own`, await import(url).then(() => "read", () => "nothing")]);
    await Promise.all(tries);
  };
  for (const target of targets) await each(target);
  for (const frame of document.querySelectorAll("iframe")) outcomes.push([`frame ${frame.src}`, seen(frame)]);
  for (const sheet of document.styleSheets) outcomes.push([`rules of ${sheet.href}`, rules(sheet)]);
  return outcomes.sort((a, b) => (a[0] < b[0] ? -1 : 1));
}
