// The form behind the one-time setup link: http://…/#setup=<token>.
const token = new URLSearchParams(location.hash.slice(1)).get("setup");
const form = document.querySelector("form");
const message = document.querySelector("output");

if (token) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const fields = Object.fromEntries(new FormData(form));
        const response = await fetch("/api/admin/auth/setup", {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ token, ...fields }),
        });
        const answer = await response.json();
        if (response.ok) {
            form.hidden = true;
            history.replaceState(null, "", "/");
            message.textContent = `${answer.user.email} is the first administrator. Sign in with POST /api/admin/auth/login.`;
        } else {
            const bad = (answer.errors ?? []).map((e) => `${e.pointer.slice(1)} ${e.message}`);
            message.textContent = [answer.message, ...bad].join(" · ");
        }
    });
}
