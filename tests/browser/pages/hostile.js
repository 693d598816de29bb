// What a page of another origin can try with `fetch`; gives what came of each try: "nothing" where it may not read.
async (origin) => {
  const form = { "Content-Type": "application/x-www-form-urlencoded" };
  const ways = {
    simple: { credentials: "include" },
    "no-cors": { credentials: "include", mode: "no-cors" },
    preflighted: { credentials: "include", headers: { "X-CSRF": "1" } },
    "with JSON": { credentials: "include", headers: { "X-CSRF": "1", "Content-Type": "application/json" } },
    "text/plain": { credentials: "include", headers: { "Content-Type": "text/plain" } },
    form: { credentials: "include", headers: form },
    "another method": { credentials: "include", headers: { "X-CSRF": "1", "X-HTTP-Method-Override": "POST" } },
    "kept alive": { credentials: "include", mode: "no-cors", keepalive: true },
  };
  const targets = [
    ["GET", "/auth/session", null],
    ["GET", "/auth/auth-url/oidc", null],
    ["GET", "/auth/login/oidc", null],
    ["GET", "/auth/logout", null],
    ["POST", "/auth/logout", "scope=everywhere"],
    ["GET", "/auth/sessions", null],
    ["POST", "/auth/sessions", '{"end": "everywhere"}'],
    ["GET", "/api/orders", null],
    ["POST", "/api/orders", '{"order": 1}'],
    ["PUT", "/api/orders/1", "x"],
    ["DELETE", "/api/orders/1", null],
    ["GET", "/me", null],
  ];
  const outcomes = [];
  for (const [method, path, body] of targets) {
    for (const [way, init] of Object.entries(ways)) {
      if (method === "GET" && ["text/plain", "form", "with JSON"].includes(way)) continue;
      const outcome = await fetch(origin + path, { method, body, redirect: "manual", ...init }).then(
        async (answer) => (["opaque", "opaqueredirect"].includes(answer.type) ? "nothing" : answer.text()),
        () => "nothing",
      );
      outcomes.push([`${method} ${path} ${way}`, outcome]);
    }
    if (body !== null) navigator.sendBeacon(origin + path, new Blob([body], { type: "text/plain" }));
  }
  const module = await import(`${origin}/auth/signon.mjs`).then(() => "read", () => "nothing");
  outcomes.push(["import of the script", module]);
  return outcomes;
}
