// One endpoint: how it stands, what it is told of, what was sent to it, and what can be done with it.

import { html, useState } from "../vendor/preact.js";
import { get, post, recordPath, remove } from "../api.js";
import { Badge } from "../components/badge.js";
import { confirm } from "../components/confirm.js";
import { CopyButton } from "../components/copy.js";
import { Moment } from "../components/date.js";
import { Facts, Key } from "../components/facts.js";
import { Icon } from "../components/icon.js";
import { Menu } from "../components/menu.js";
import { NotFound } from "../components/not-found.js";
import { Page } from "../components/page.js";
import { ProblemNote } from "../components/problem.js";
import { RecordLink } from "../components/record-link.js";
import { SecretDialog } from "../components/secret-dialog.js";
import { Skeleton } from "../components/skeleton.js";
import { toast, toastProblem } from "../components/toast.js";
import { WebhookDeliveries } from "../components/webhook-deliveries.js";
import { WebhookForm } from "../components/webhook-form.js";
import { WebhookReplay } from "../components/webhook-replay.js";
import { endpointState, hostOf, patternWords } from "../model/webhooks.js";
import { useLive, useResource } from "../resource.js";
import { go, href } from "../router.js";
import { canWrite } from "../session.js";

/**
 * @typedef {import("../schema.js").Schemas} Schemas
 * @typedef {Schemas["WebhookEndpoint"] & Pick<Schemas["WebhookEndpoints"], "is_catching_up" | "created_by">} Endpoint
 * @typedef {"edit" | "replay" | null} Open Which dialog is open.
 */

/** What changes its state. @type {Record<string, { act: string, label: string, icon: string, done: string }>} */
const SWITCHES = {
    active: { act: "pause", label: "Pause", icon: "pause", done: "Paused: events are held back" },
    paused: { act: "resume", label: "Resume", icon: "play", done: "Resumed: what was held back is sent now" },
    disabled: { act: "enable", label: "Enable", icon: "play", done: "Enabled: it is told again" },
};

/** What can be done with an endpoint. @param {Endpoint} endpoint @param {{ onDone: () => void, onOpen: (open: Open) => void, onSecret: (secret: string) => void }} callbacks */
function actionsOf(endpoint, { onDone, onOpen, onSecret }) {
    const path = `/webhooks/endpoints/${endpoint.id}`;
    const tried = async (/** @type {() => Promise<void>} */ run, /** @type {string} */ failed) => {
        try {
            await run();
        } catch (error) {
            toastProblem(error, failed);
        }
        onDone();
    };
    const turn = SWITCHES[endpoint.state];
    return {
        turn: { ...turn, run: () => tried(async () => { await post(`${path}/${turn.act}`); toast(turn.done); }, "Nothing was changed.") },
        test: () => tried(async () => { go(`/webhooks/deliveries/${(await post(`${path}/test`)).delivery}`); }, "Not sent."),
        rotate: async () => {
            const text = "What is sent is signed by both for a day, so that the other program has time to change.";
            if (!(await confirm({ title: "Make a new secret?", text, yes: "Make it" }))) return;
            await tried(async () => onSecret((await post(`${path}/rotate`)).secret), "No new secret was made.");
        },
        drop: async () => {
            const text = "It is told nothing any more, and its log goes with it. Pause it instead if you may want it back.";
            if (!(await confirm({ title: `Delete ${hostOf(endpoint.url)}?`, text, yes: "Delete", isDangerous: true }))) return;
            // Not read again when it is gone.
            try {
                await remove(path);
            } catch (error) {
                toastProblem(error, "Not deleted.");
                return onDone();
            }
            toast("The endpoint is deleted");
            go("/webhooks");
        },
        edit: () => onOpen("edit"),
        replay: () => onOpen("replay"),
    };
}

/** @param {{ acts: ReturnType<typeof actionsOf>, isActive: boolean }} props */
function Actions({ acts, isActive }) {
    const items = [
        { label: "Change address or events", icon: "edit", onSelect: acts.edit },
        isActive && { label: "Replay what failed", icon: "refresh", onSelect: acts.replay },
        { label: "Make a new secret", icon: "key", onSelect: acts.rotate },
        { label: "Delete", icon: "trash", isDangerous: true, onSelect: acts.drop },
    ];
    return html`
        <${Menu} label="More" icon="more" class="button" items=${items} />
        <button type="button" class="button" onClick=${acts.turn.run}><${Icon} name=${acts.turn.icon} />${acts.turn.label}</button>
        <button type="button" class="button" onClick=${acts.test}><${Icon} name="send" />Send a test</button>`;
}

/** @param {{ endpoint: Endpoint }} props */
function Standing({ endpoint }) {
    const { state, disabled_reason: reason, failing_since: since } = endpoint;
    if (state === "disabled") {
        return html`<div class="note note-danger"><${Icon} name="alert" /><div class="note-body"><h2>This endpoint was disabled</h2>
            <p>${reason ?? "It failed for too long."} Events since then are not kept for it. Enable it once it answers again.</p></div></div>`;
    }
    return html`
        ${state === "paused" && html`<p class="note note-warn"><${Icon} name="pause" /><span>${endpointState(state).text}</span></p>`}
        ${since && html`<p class="note note-warn"><${Icon} name="alert" /><span>Every attempt has failed since <${Moment} value=${since} /> (<${Moment} value=${since} isRelative />).
            If that goes on for days, it is disabled.</span></p>`}
        ${endpoint.is_catching_up && html`<p class="note"><${Icon} name="send" /><span>What was held back is being sent; what is new waits behind it.</span></p>`}
        ${endpoint.old_secret_until && html`<p class="note"><${Icon} name="key" /><span>The old secret signs as well until <${Moment} value=${endpoint.old_secret_until} />.</span></p>`}`;
}

/** @param {{ endpoint: Endpoint }} props */
function EndpointFacts({ endpoint }) {
    /** @type {[string, any][]} */
    const lines = [
        ["Address", html`<code>${endpoint.url}</code> <${CopyButton} text=${endpoint.url} label="Copy the address" isQuiet />`],
        ["What for", endpoint.description],
        ["Is told of", html`<span class="badges">${endpoint.events.map((pattern) => html`<${Badge} key=${pattern} text=${patternWords(pattern)} title=${pattern} />`)}</span>`],
        ["Made by", endpoint.created_by && html`<${RecordLink} link=${{ table: "users", id: endpoint.created_by }} />`],
        ["Made", html`<${Moment} value=${endpoint.created_at} />`],
        ["Key", html`<${Key} text=${endpoint.id} what="the key" />`],
    ];
    const more = html`<a href=${href("/audit", { table: "webhook_endpoints", id: endpoint.id })}>What staff did with it</a>`;
    return html`<${Facts} title="The endpoint" lines=${lines} more=${more} />`;
}

/** @param {{ endpoint: Endpoint, reload: () => void }} props */
function EndpointView({ endpoint, reload }) {
    const [open, setOpen] = useState(/** @type {Open} */ (null));
    const [secret, setSecret] = useState(/** @type {string | null} */ (null));
    const [turn, setTurn] = useState(0);
    const done = () => { setOpen(null); setTurn((before) => before + 1); reload(); };
    const state = endpointState(endpoint.state);
    const acts = actionsOf(endpoint, { onDone: done, onOpen: setOpen, onSecret: setSecret });
    const name = endpoint.description || hostOf(endpoint.url);
    const title = html`<span class="person-title"><span>${name}</span><${Badge} text=${state.label} kind=${state.kind} title=${state.text} /></span>`;
    return html`
        <${Page} title=${title} plainTitle=${name} lead=${endpoint.description && hostOf(endpoint.url)} crumbs=${[{ href: "#/webhooks", label: "Webhooks" }]}
            actions=${canWrite() && html`<${Actions} acts=${acts} isActive=${endpoint.state === "active"} />`} isWide>
            <${Standing} endpoint=${endpoint} />
            <${EndpointFacts} endpoint=${endpoint} />
            <${WebhookDeliveries} endpoint=${endpoint.id} turn=${turn} />
            ${open === "edit" && html`<${WebhookForm} endpoint=${endpoint} onClose=${() => setOpen(null)} onDone=${() => { toast("Changes saved"); done(); }} />`}
            ${open === "replay" && html`<${WebhookReplay} endpoint=${endpoint} onClose=${() => setOpen(null)} onDone=${done} />`}
            ${secret && html`<${SecretDialog} title="A new secret" secret=${secret} onClose=${() => setSecret(null)}>
                <p>Give it to <strong>${hostOf(endpoint.url)}</strong> within a day. Until then the old one signs as well.</p><//>`}
        <//>`;
}

/** @param {import("../router.js").Place} place */
export default function WebhookScreen({ params }) {
    const load = (/** @type {AbortSignal} */ signal) => /** @type {Promise<Endpoint>} */ (get(recordPath("webhook_endpoints", params.id), {}, signal));
    const { data, problem, isSlow, reload, refresh } = useResource(load, [params.id]);
    useLive(refresh);
    if (problem?.status === 404) return html`<${NotFound} title="There is no such endpoint">It may have been deleted.<//>`;
    if (data) return html`<${EndpointView} endpoint=${data} reload=${reload} />`;
    return html`
        <${Page} title="Endpoint" crumbs=${[{ href: "#/webhooks", label: "Webhooks" }]}>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${8} />`}
        <//>`;
}
