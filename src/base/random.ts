// The door through which chance enters, so that a test can hold it.

/** A number from 0 to below 1, each as likely as the others. */
export type Random = () => number;

export const systemRandom: Random = () => Math.random();
