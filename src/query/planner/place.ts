// Errors of the planner that say where in the text of the statement they are.
import { InputError } from "../../base/errors.ts";

/** `place` of the node that is wrong, "line 1, char 60"; undefined: its parser kept none. */
export function errorAt(place: string | undefined, message: string): InputError {
  return new InputError(place === undefined ? message : `${message} at ${place}`);
}
