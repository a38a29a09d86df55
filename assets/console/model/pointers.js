// JSON pointers of the server's field errors, and which input they belong to. Pure.

/** @typedef {import("../api.js").FieldError} FieldError */

/** Messages at a pointer itself. @param {FieldError[]} errors @param {string} pointer */
export const errorsAt = (errors, pointer) => errors.filter((error) => error.pointer === pointer).map((error) => error.message);

/** Messages at a pointer and below it; those below say where. @param {FieldError[]} errors @param {string} pointer */
export const errorsWithin = (errors, pointer) => errors
    .filter((error) => error.pointer === pointer || error.pointer.startsWith(`${pointer}/`))
    .map((error) => (error.pointer === pointer ? error.message : `${error.pointer.slice(pointer.length + 1)}: ${error.message}`));

/** Errors at none of the pointers, nor below them. @param {FieldError[]} errors @param {string[]} pointers */
export const errorsElsewhere = (errors, pointers) =>
    errors.filter((error) => !pointers.some((pointer) => error.pointer === pointer || error.pointer.startsWith(`${pointer}/`)));
