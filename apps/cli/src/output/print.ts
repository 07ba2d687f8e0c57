/**
 * What a terminal obeys in place of showing: control characters (C0 but for line feeds and tabs, and C1), and marks that turn the direction
 * of the text after them, or end its line. Joiners and the like stay: scripts need them.
 */
// oxlint-disable-next-line no-control-regex
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * A text in which foreign bytes cannot steer a terminal: paths, names, labels and texts are all printed through here. Within JSON the escapes mean
 * the same characters.
 */
export const printable = (text: string): string => text.replaceAll(obeyed, escaped);

/** A foreign name in a line or cell of its own: line feeds and tabs are escaped too. */
export const printableName = (text: string): string => printable(text).replaceAll(/[\t\n]/g, escaped);

/** Writes a result. */
export const print = (text: string): void => void process.stdout.write(printable(text));

/** Writes what is said beside the result. */
export const say = (text: string): void => void process.stderr.write(printable(text));
