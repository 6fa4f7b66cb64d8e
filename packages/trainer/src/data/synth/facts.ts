import { type Draws, seededDraws } from '../draws.js';
import {
  BACKDROPS,
  BEHIND,
  BROWS,
  CLOTHES,
  EYES,
  GLASSES,
  HAIRCUTS,
  HAIRS,
  HATS,
  HEADS,
  JERSEYS,
  LIPS,
  NOSES,
  SKINS,
} from './part-lists.js';

/** Ages by the words of the captions, youngest first. */
export const ages = ['teen', 'young', 'thirties', 'forties', 'fifties', 'sixties', 'old'] as const;
/** A name from {@link ages}. */
export type Age = (typeof ages)[number];

/** Beards by length. A long one may be pointed. */
export const beards = ['none', 'short', 'medium', 'long', 'pointed'] as const;
/** A name from {@link beards}. */
export type Beard = (typeof beards)[number];

/** Whom a caption tells of. */
export const genders = ['man', 'woman'] as const;
/** A name from {@link genders}. */
export type Gender = (typeof genders)[number];

/** What a caption tells about a face. */
export interface CaptionFacts {
  readonly gender: Gender;
  readonly age: Age;
  readonly beard: Beard;
}

/**
 * How an age is drawn. Hair, brows and beard are mixed with {@link GREY} by `grey`; `lines` wrinkles are drawn, in this
 * order: beside the mouth, one on the forehead, beside the eyes, a second on the forehead, below the eyes, on the cheeks.
 * Young faces have larger eyes and no lines; a teen has rosy cheeks.
 */
export const AGE_RULES: Readonly<Record<Age, { grey: number; lines: number; eyes: number; rosy: boolean }>> = {
  teen: { grey: 0, lines: 0, eyes: 1.28, rosy: true },
  young: { grey: 0, lines: 0, eyes: 1.12, rosy: false },
  thirties: { grey: 0, lines: 1, eyes: 1, rosy: false },
  forties: { grey: 0.25, lines: 2, eyes: 1, rosy: false },
  fifties: { grey: 0.55, lines: 3, eyes: 0.96, rosy: false },
  sixties: { grey: 0.85, lines: 5, eyes: 0.92, rosy: false },
  old: { grey: 1, lines: 6, eyes: 0.86, rosy: false },
};

/** What hair turns to. */
export const GREY = '#e4e4e6';

/** The parts that draw a beard of a length, and how much it is stretched below the mouth. */
export const BEARD_PARTS: Readonly<Record<Beard, { ids: readonly string[]; stretch: number }>> = {
  none: { ids: ['none'], stretch: 1 },
  short: { ids: ['fullgoatee', 'fullgoatee2', 'fullgoatee3', 'goatee1-stache'], stretch: 1 },
  medium: { ids: ['beard1', 'beard2', 'beard4', 'loganGoatee2Stache'], stretch: 1.15 },
  long: { ids: ['beard3', 'honest-abe-stache'], stretch: 1.75 },
  pointed: { ids: ['beard-point'], stretch: 1.35 },
};

/** Everything that a drawing is made from. */
export interface FaceFacts extends CaptionFacts {
  readonly skin: string;
  /** Hair before it turns grey. */
  readonly hairColour: string;
  readonly lipColour: string;
  readonly clothes: readonly [string, string, string];
  readonly fatness: number;
  readonly head: string;
  readonly ear: { readonly id: string; readonly size: number };
  readonly eye: { readonly id: string; readonly angle: number };
  readonly brow: { readonly id: string; readonly angle: number };
  readonly nose: { readonly id: string; readonly size: number; readonly flip: boolean };
  readonly hair: { readonly id: string; readonly flip: boolean; readonly behind: string };
  readonly facialHair: string;
  readonly hat: string;
  readonly glasses: string;
  readonly body: { readonly id: string; readonly size: number };
  readonly jersey: string;
  readonly earrings: boolean;
  readonly necklace: boolean;
  /** Widths in the drawing's units: a face is about 300 wide. */
  readonly mouth: { readonly width: number; readonly smile: number; readonly open: number; readonly lips: number };
  readonly backdrop: { readonly form: number; readonly colours: readonly [string, string]; readonly at: number };
  /** The square of the drawing that is seen. */
  readonly frame: { readonly x: number; readonly y: number; readonly side: number };
}

/** Face `index` of a seed. It depends on no other face, so any of them can be drawn alone. */
export function drawFacts(seed: number, index: number): FaceFacts {
  const draws = seededDraws(seed, 'face', index);
  const { pick, between, chance } = choosers(draws);
  const gender = pick(genders);
  const age = pick(ages);
  const beard = gender === 'woman' || chance(0.3) || (age === 'teen' && chance(0.5)) ? 'none' : pick(beards.slice(1));
  const man = gender === 'man';
  const hat = chance(0.14) ? pick(HATS) : 'none';
  const cap = hat.startsWith('hat');
  const cut = pick(HAIRCUTS[gender]);
  const bald = cut === 'bald' || cut === 'short-bald';
  const side = between(475, 525);
  const skin = Math.floor(draws.random() * SKINS.length);
  return {
    gender,
    age,
    beard,
    skin: SKINS[skin]!,
    // On darker skin only hair that stands out against it, so that a beard can be seen.
    hairColour: pick(skin < 6 ? HAIRS : HAIRS.slice(0, 2)),
    lipColour: pick(LIPS),
    clothes: [pick(CLOTHES), pick(CLOTHES), pick(CLOTHES)],
    fatness: man ? between(0.1, 1) : between(0, 0.5),
    head: pick(HEADS[gender]),
    ear: { id: pick(['ear1', 'ear2', 'ear3']), size: man ? between(0.8, 1.3) : between(0.6, 1) },
    eye: { id: pick(EYES[gender]), angle: Math.round(between(-8, 10)) },
    brow: { id: pick(BROWS[gender]), angle: Math.round(between(-10, 12)) },
    nose: { id: pick(NOSES), size: man ? between(0.75, 1.2) : between(0.6, 0.9), flip: chance(0.5) },
    hair: {
      // Baldness belongs to age; tall hair does not fit under a cap.
      id: cap ? (man ? 'short' : 'none') : bald && (age === 'teen' || age === 'young') ? 'short2' : cut,
      flip: chance(0.5),
      behind: !man && chance(0.75) ? pick(BEHIND) : 'none',
    },
    facialHair: pick(BEARD_PARTS[beard].ids),
    hat,
    glasses: chance(0.18) ? pick(GLASSES) : 'none',
    body: {
      id: man ? pick(['body', 'body2', 'body3', 'body4']) : pick(['body', 'body2']),
      size: man ? between(0.95, 1.05) : between(0.8, 0.9),
    },
    jersey: pick(JERSEYS),
    earrings: !man && chance(0.4),
    necklace: chance(man ? 0.08 : 0.35),
    mouth: {
      width: between(58, 84),
      smile: between(-4, 14),
      open: chance(0.45) ? between(8, 16) : 0,
      lips: man ? between(9, 12) : between(11, 15),
    },
    backdrop: { form: Math.floor(between(0, 4)), colours: [pick(BACKDROPS), pick(BACKDROPS)], at: between(0.2, 0.8) },
    frame: { x: 200 - side / 2 + between(-14, 14), y: between(42, 60), side },
  };
}

function choosers(draws: Draws) {
  return {
    pick: <T>(list: readonly T[]): T => list[Math.floor(draws.random() * list.length)]!,
    between: (low: number, high: number): number => Math.round(draws.uniform(low, high) * 100) / 100,
    chance: (share: number): boolean => draws.random() < share,
  };
}
