/** Bytes that one call may take as arguments. */
const PIECE = 0x8000;

/** A file as an address that holds all of it. @param type its media type, e.g. `image/png` */
export function dataUri(type: string, bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE) text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return `data:${type};base64,${btoa(text)}`;
}
