// Starts the console: loads who is signed in and the schema, then shows the screen of the address bar.
//
// How to add a screen:
//  1. `screens/<name>.js`: export default a component. It gets `{ path, params, query }` and returns
//     html`<${Page} title="…" lead="…" actions=${…}>…<//>` (components/page.js sets the document title and the heading).
//  2. One line in ROUTES of router.js; one line in NAVIGATION of navigation.js if it belongs in the side bar.
//  3. Load with `useResource` (resource.js) and `get` (api.js); show `problem` with <ProblemNote>, `isSlow` with <Skeleton>,
//     emptiness with <EmptyState>. Tell results with `toast` (components/toast.js); ask with `confirm` (components/confirm.js).
//  4. Style with the classes of console.css; what only one screen needs goes into screens.css. No style attributes with
//     colours, no innerHTML: the Content-Security-Policy allows only files of /console/.

import { html, render, useEffect, useErrorBoundary, useState } from "./vendor/preact.js";
import { asProblem } from "./api.js";
import { ConfirmHost } from "./components/confirm.js";
import { Palette } from "./components/palette.js";
import { ProblemNote } from "./components/problem.js";
import { Renewal } from "./components/renewal.js";
import { Shell } from "./components/shell.js";
import { Skeleton } from "./components/skeleton.js";
import { ToastHost } from "./components/toast.js";
import { here, match, replace } from "./router.js";
import { forgetSchema, loadSchema, tables } from "./schema.js";
import { account, whoAmI } from "./session.js";
import { NotFound } from "./components/not-found.js";

/** The component of a route, null until its file is here. @param {import("./router.js").Route | undefined} route */
function useScreen(route) {
    const [loaded, setLoaded] = useState(/** @type {{ route?: any, screen?: any, problem?: any }} */ ({}));
    useEffect(() => {
        let isCurrent = true;
        const keep = (/** @type {any} */ next) => isCurrent && setLoaded({ route, ...next });
        route?.load().then((module) => keep({ screen: module.default }), (error) => keep({ problem: asProblem(error) }));
        return () => { isCurrent = false; };
    }, [route]);
    return loaded;
}

/** One screen; a crash in it leaves the rest of the console standing. @param {{ place: any, screen: any }} props */
function Guarded({ place, screen: Screen }) {
    const [error, reset] = useErrorBoundary((failure) => console.error(failure));
    useEffect(reset, [place.path]);
    if (error) return html`<div class="page"><${ProblemNote} problem=${asProblem(error)} onRetry=${reset} /></div>`;
    return html`<${Screen} key=${place.path} ...${place} />`;
}

/** Who is signed in and the schema: what every screen but sign-in needs. */
function useStart() {
    const [problem, setProblem] = useState(/** @type {any} */ (null));
    const [turn, setTurn] = useState(0);
    const id = account.value?.id;
    useEffect(() => {
        setProblem(null);
        const failed = (/** @type {unknown} */ error) => setProblem(asProblem(error));
        if (account.peek() === undefined) whoAmI().catch(failed);
        else if (account.peek()) loadSchema().catch(failed);
        else forgetSchema();
    }, [id, account.value === undefined, turn]);
    return { problem, retry: () => setTurn(turn + 1) };
}

function App() {
    const { path, query } = here.value;
    const found = match(path);
    const { route, screen, problem } = useScreen(found?.route);
    const start = useStart();
    const place = { path, query, params: found?.params ?? {} };
    const isOpen = found?.route.isOpen ?? false;
    useEffect(() => {
        if (account.value === null && !isOpen) replace("/sign-in", path === "/" ? {} : { to: location.hash.slice(1) });
        if (account.value && path === "/sign-in") replace("/");
    }, [account.value, isOpen, path]);
    const isReady = route === found?.route && screen;
    const content = !found ? html`<${NotFound} />`
        : problem ? html`<div class="page"><${ProblemNote} problem=${problem} /></div>`
        : isReady ? html`<${Guarded} place=${place} screen=${screen} />`
        : null;
    if (isOpen) return content;
    const failure = start.problem;
    if (!account.value) {
        return failure && html`<main class="page"><${ProblemNote} problem=${failure} onRetry=${start.retry} /></main>`;
    }
    return html`
        <${Shell} path=${path}>
            ${failure ? html`<div class="page"><${ProblemNote} problem=${failure} onRetry=${start.retry} /></div>`
                : tables.value ? content : html`<div class="page"><${Skeleton} rows=${6} isDelayed /></div>`}
        <//>
        <${Palette} /><${Renewal} />`;
}

/** A file that is dropped beside its place would replace the console by itself. @param {DragEvent} event */
function refuseDrop(event) {
    if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
}
addEventListener("dragover", refuseDrop);
addEventListener("drop", refuseDrop);

const root = document.getElementById("app");
if (root) render(html`<${App} /><${ConfirmHost} /><${ToastHost} />`, root);
