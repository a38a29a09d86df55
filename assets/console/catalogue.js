// The events that there are, loaded once per page.

import { signal, useEffect } from "./vendor/preact.js";
import { getText } from "./api.js";
import { catalogueOf } from "./model/event-catalogue.js";

/** @typedef {import("./model/event-catalogue.js").EventKind} EventKind */

/** All events; none until they are loaded, or when they cannot be. */
export const catalogue = signal(/** @type {EventKind[]} */ ([]));

let isAsked = false;
/** All events, asked for at the first use. @returns {EventKind[]} */
export function useCatalogue() {
    useEffect(() => {
        if (isAsked) return;
        isAsked = true;
        // Without it names can still be typed.
        getText("/api/docs/events").then((text) => { catalogue.value = catalogueOf(text); }, () => { isAsked = false; });
    }, []);
    return catalogue.value;
}
