import type { LoggedImage } from './log-sink.js';
import { block, double, float, type Message, message, whole } from './wire.js';

// TensorBoard's messages: Event {1 wall_time, 2 step, 3 file_version, 5 summary, 7 session_log}, Summary {1 value},
// Summary.Value {1 tag, 2 simple_value, 4 image, 8 tensor, 9 metadata}.

const event = (seconds: number, step: number, ...what: Uint8Array[]): Message =>
  message(double(1, seconds), whole(2, step), ...what);

const summary = (...values: Message[]): Uint8Array => block(5, message(...values.map((value) => block(1, value))));

/** What every event file begins with. @param seconds since 1970 */
export const versionEvent = (seconds: number): Message => message(double(1, seconds), block(3, 'brain.Event:2'));

/** A run begins or goes on at `step`: readers drop what earlier files of the folder hold from there on. */
export const startEvent = (seconds: number, step: number): Message => event(seconds, step, block(7, whole(1, 1)));

/** Numbers of one step, by tag. */
export const scalarEvent = (seconds: number, step: number, values: Readonly<Record<string, number>>): Message =>
  event(
    seconds,
    step,
    summary(...Object.entries(values).map(([tag, value]) => message(block(1, tag), float(2, value)))),
  );

/** A picture: Image {1 height, 2 width, 3 colorspace, 4 encoded_image_string}, colorspace 3 being RGB. */
export function imageEvent(seconds: number, step: number, tag: string, { width, height, png }: LoggedImage): Message {
  const image = message(whole(1, height), whole(2, width), whole(3, 3), block(4, png));
  return event(seconds, step, summary(message(block(1, tag), block(4, image))));
}

/** A text, shown as Markdown: a string tensor {1 dtype, 2 shape, 8 string_val} for the plug-in `text`. */
export function textEvent(seconds: number, step: number, tag: string, text: string): Message {
  const shape = block(2, whole(1, 1)); // one axis of size 1
  const tensor = message(whole(1, 7), block(2, shape), block(8, text));
  const metadata = message(block(1, block(1, 'text')), whole(4, 2)); // plug-in; class of data: tensor
  return event(seconds, step, summary(message(block(1, tag), block(8, tensor), block(9, metadata))));
}
