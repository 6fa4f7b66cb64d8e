import { type FaceConfig, faceToSvgString } from 'facesjs';
import { classIndex } from '../classes.js';
import { mix } from './colours.js';
import { AGE_RULES, BEARD_PARTS, type FaceFacts, GREY } from './facts.js';
import { ageMarks, backdrop, earrings, mouth, necklace, noseRidge } from './own-parts.js';

/** A part of a drawing, over those before it. */
export interface Layer {
  /** SVG elements. */
  readonly svg: string;
  /** The class its pixels have; undefined where it changes no class (lines, shades). */
  readonly class: number | undefined;
  /** The facesjs feature or part of our own that it is, for tests. */
  readonly part: string;
}

/** A feature of facesjs. */
type Feature = Exclude<keyof FaceConfig, 'fatness' | 'teamColors'>;

const NONE = 'absent';

/**
 * A face as layers, from the back to the front. Each is drawn by facesjs on its own, all other features left out, so that
 * what belongs to which class is known.
 */
export function layersOf(facts: FaceFacts): Layer[] {
  const face = faceOf(facts);
  const layers: Layer[] = [];
  const add = (part: string, svg: string, name?: string) => {
    if (svg !== '') layers.push({ part, svg, class: name === undefined ? undefined : classIndex(name) });
  };
  const draw = (feature: Feature): string => featureSvg(face, feature);
  const pair = (feature: Feature, left: string, right: string, scale = 1) => {
    const [first, second] = groupsOf(draw(feature));
    const at = { ear: [0, 0, 0], eye: [140, 260, 310], eyebrow: [140, 260, 270] }[feature as 'ear' | 'eye' | 'eyebrow'];
    add(feature, zoom(first ?? '', at[0]!, at[2]!, scale), left);
    add(feature, zoom(second ?? '', at[1]!, at[2]!, scale), right);
  };
  const lips = mouth(facts);

  add('backdrop', backdrop(facts), 'background');
  add('hairBg', draw('hairBg'), 'hair');
  add('body', draw('body'), 'neck');
  add('jersey', draw('jersey'), 'cloth');
  if (facts.necklace) add('necklace', necklace(facts), 'neck_l');
  pair('ear', 'l_ear', 'r_ear');
  if (facts.earrings) add('earrings', earrings(facts), 'ear_r');
  add('head', draw('head'), 'skin');
  add('ageMarks', ageMarks(facts));
  // CelebAMask-HQ counts beards as skin.
  add('facialHair', stretch(draw('facialHair'), 425, BEARD_PARTS[facts.beard].stretch), 'skin');
  pair('eye', 'l_eye', 'r_eye', AGE_RULES[facts.age].eyes);
  pair('eyebrow', 'l_brow', 'r_brow');
  add('mouth', lips.inside, 'mouth');
  add('mouth', lips.upper, 'u_lip');
  add('mouth', lips.lower, 'l_lip');
  add('noseRidge', noseRidge(facts), 'nose');
  add('nose', draw('nose'), 'nose');
  add('hair', draw('hair'), 'hair');
  add('glasses', draw('glasses'), 'eye_g');
  add('hat', draw('accessories'), 'hat');
  return layers;
}

/** The face as facesjs takes it, with hair as grey as the age asks for. */
function faceOf(facts: FaceFacts): FaceConfig {
  return {
    fatness: facts.fatness,
    teamColors: [...facts.clothes],
    hairBg: { id: facts.hair.behind },
    body: { ...facts.body, color: facts.skin },
    jersey: { id: facts.jersey },
    ear: facts.ear,
    head: { id: facts.head, shave: 'rgba(0,0,0,0)' },
    eyeLine: { id: NONE },
    smileLine: { id: NONE, size: 1 },
    miscLine: { id: NONE },
    facialHair: { id: facts.facialHair },
    eye: facts.eye,
    eyebrow: facts.brow,
    hair: { id: facts.hair.id, color: hairColour(facts), flip: facts.hair.flip },
    mouth: { id: NONE, flip: false },
    nose: facts.nose,
    glasses: { id: facts.glasses },
    accessories: { id: facts.hat },
  };
}

/** The colour of hair, brows and beard at the face's age: it loses its hue before it turns light. */
function hairColour({ hairColour, age }: FaceFacts): string {
  const { grey } = AGE_RULES[age];
  return mix(mix(hairColour, '#6f6a66', Math.min(1.6 * grey, 1)), GREY, grey);
}

/** The elements that facesjs draws for one feature of a face; '' if none. */
function featureSvg(face: FaceConfig, feature: Feature): string {
  const alone = structuredClone(face);
  for (const key of Object.keys(alone) as (keyof FaceConfig)[]) {
    if (key !== 'fatness' && key !== 'teamColors' && key !== feature) alone[key].id = NONE;
  }
  // It draws into `document`, which it sets for the while and leaves behind as undefined.
  const had = 'document' in globalThis;
  const svg = faceToSvgString(alone);
  if (!had) Reflect.deleteProperty(globalThis, 'document');
  return svg
    .replace(/^<svg[^>]*>/, '')
    .replace(/<\/svg>$/, '')
    .trim();
}

/** The top-level groups: facesjs draws one for each place of a feature. */
function groupsOf(svg: string): string[] {
  const groups: string[] = [];
  let [depth, start] = [0, 0];
  for (const match of svg.matchAll(/<g[\s>]|<\/g>/g)) {
    if (match[0] === '</g>') {
      if (--depth === 0) groups.push(svg.slice(start, match.index + match[0].length));
    } else if (depth++ === 0) start = match.index;
  }
  return groups;
}

/** Enlarge about a point. */
function zoom(svg: string, x: number, y: number, scale: number): string {
  if (svg === '' || scale === 1) return svg;
  return `<g transform="translate(${x} ${y}) scale(${scale}) translate(${-x} ${-y})">${svg}</g>`;
}

/** Stretch downwards from a line on. */
function stretch(svg: string, y: number, factor: number): string {
  if (svg === '' || factor === 1) return svg;
  return `<g transform="translate(0 ${y}) scale(1 ${factor}) translate(0 ${-y})">${svg}</g>`;
}
