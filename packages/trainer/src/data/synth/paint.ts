import sharp from 'sharp';
import { FACE_CLASSES } from '../classes.js';
import type { Pixels } from '../pixels.js';
import { hex } from './colours.js';
import type { FaceFacts } from './facts.js';
import type { Layer } from './layers.js';

/** Draw a face in colour. @returns [size,size,3] */
export async function paintImage(facts: FaceFacts, layers: readonly Layer[], size: number): Promise<Pixels> {
  const body = layers.map(({ svg }) => svg).join('');
  return rasterise(svgOf(facts, size, body), 3);
}

/**
 * Draw the same face as classes: every element of a layer in its class's colour, without antialiasing, so that a pixel has
 * one class.
 * @returns class ids [size,size,1]
 */
export async function paintMask(facts: FaceFacts, layers: readonly Layer[], size: number): Promise<Pixels> {
  const body = layers
    .filter((layer) => layer.class !== undefined)
    .map((layer) => flatten(layer.svg, hex(FACE_CLASSES[layer.class!]!.rgb), hex(FACE_CLASSES[layer.class!]!.rgb)))
    .join('');
  const { values } = await rasterise(svgOf(facts, size, body, ' shape-rendering="crispEdges"'), 3);
  const ids = new Uint8Array(size * size);
  for (let i = 0; i < ids.length; i++) {
    const id = CLASS_OF.get((values[3 * i]! << 16) | (values[3 * i + 1]! << 8) | values[3 * i + 2]!);
    if (id === undefined) throw new Error(`synth: pixel ${i} of a mask is a mixture of classes`);
    ids[i] = id;
  }
  return { height: size, width: size, channels: 1, values: ids };
}

/** Draw its lines alone: black on white. @returns grey values [size,size,1] */
export async function paintSketch(facts: FaceFacts, layers: readonly Layer[], size: number): Promise<Pixels> {
  const body = layers
    .filter(({ part }) => part !== 'backdrop')
    .map(({ svg }) => flatten(svg, '#ffffff', '#000000'))
    .join('');
  return rasterise(svgOf(facts, size, body), 1);
}

const CLASS_OF = new Map(FACE_CLASSES.map(({ rgb: [r, g, b] }, id) => [(r << 16) | (g << 8) | b, id]));

function svgOf({ frame }: FaceFacts, size: number, body: string, attributes = ''): string {
  const { x, y, side } = frame;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="${x} ${y} ${side} ${side}"${attributes}>${body}</svg>`;
}

/** The same shapes in two flat colours: whatever is filled in one, whatever is stroked in the other, all opaque. */
function flatten(svg: string, fill: string, stroke: string): string {
  const recolour = (property: string, value: string): string => {
    if (value === 'none' || value.startsWith('url(')) return 'none';
    return property === 'fill' ? fill : stroke;
  };
  const flat = svg
    .replace(/<defs>.*?<\/defs>/gs, '')
    .replace(/\b(?:fill-opacity|stroke-opacity|opacity)\s*=\s*"[^"]*"/g, '')
    .replace(/(?<![-\w])(?:fill-opacity|stroke-opacity|opacity|mix-blend-mode)\s*:[^;"]*;?/g, '')
    .replace(
      /(?<![-\w])(fill|stroke)="([^"]*)"/g,
      (_, property: string, value: string) => `${property}="${recolour(property, value)}"`,
    )
    .replace(
      /(?<![-\w])(fill|stroke):([^;"]*)/g,
      (_, property: string, value: string) => `${property}:${recolour(property, value)}`,
    );
  return `<g fill="${fill}">${flat}</g>`;
}

async function rasterise(svg: string, channels: 1 | 3): Promise<Pixels> {
  const { data, info } = await sharp(Buffer.from(svg))
    .flatten({ background: channels === 1 ? '#ffffff' : '#000000' })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== channels) throw new Error(`synth: ${info.channels} channels, ${channels} were wanted`);
  return { height: info.height, width: info.width, channels, values: data };
}
