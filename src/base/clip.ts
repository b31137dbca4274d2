// Texts of others in our messages, cut to a length that the wire can carry, or that a reader can use.

/** A text has 32,767 bytes on the wire: so much fits with something around it, whatever its characters. */
const WIRE_UNITS_MAX = 4_000;

/** The text, or its beginning where it is longer than `most` UTF-16 units. */
export function clip(text: string, most = WIRE_UNITS_MAX): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
