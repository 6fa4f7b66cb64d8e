import type { Draws } from '../draws.js';
import { type Age, ages, type Beard, type CaptionFacts, type Gender } from './facts.js';

/** A sentence with `{he}`, `{his}`, `{man}` to fill in, and what it says. */
interface Sentence<T> {
  readonly text: string;
  readonly says: T;
}

/** Sentences about beards, in the manner of CelebA-Dialog's. */
const BEARD_SENTENCES: readonly Sentence<Beard>[] = [
  { says: 'none', text: 'There is no beard.' },
  { says: 'none', text: 'There is not any beard on the face.' },
  { says: 'none', text: '{He} has no beard at all.' },
  { says: 'none', text: '{His} face has no beard.' },
  { says: 'none', text: 'This {man} has no beard at all.' },
  { says: 'short', text: '{His} beard is short.' },
  { says: 'short', text: '{He} has a short beard.' },
  { says: 'short', text: 'This {man} has a short beard.' },
  { says: 'short', text: 'The face is covered with short beard.' },
  { says: 'medium', text: 'This {man} has beard of medium length.' },
  { says: 'medium', text: '{He} has beard of medium length.' },
  { says: 'medium', text: 'The face is covered with beard of medium length.' },
  { says: 'long', text: '{He} has a long bushy beard.' },
  { says: 'long', text: 'This {man} has a very long beard.' },
  { says: 'long', text: 'The face is covered with long bushy beard.' },
  { says: 'pointed', text: '{He} has a long pointed beard.' },
  { says: 'pointed', text: 'The face is covered with long pointed beard.' },
];

/** What is said about an age, after 'He ' or 'This man '. */
const AGE_PHRASES: Readonly<Record<Age, readonly string[]>> = {
  teen: ['is a teen', 'is a teenager'],
  young: ['is a young adult', 'looks very young'],
  thirties: ['is in {his} thirties'],
  forties: ['is in {his} forties'],
  fifties: ['is in {his} fifties'],
  sixties: ['is in {his} sixties'],
  old: ['is very old', 'looks very old'],
};

const AGE_SENTENCES: readonly Sentence<Age>[] = ages.flatMap((says) =>
  AGE_PHRASES[says].flatMap((phrase) => [
    { says, text: `{He} ${phrase}.` },
    { says, text: `This {man} ${phrase}.` },
  ]),
);

/** A caption in the original's three parts. */
export interface Caption {
  readonly Beard_and_Age: string;
  readonly Beard: string;
  readonly Age: string;
}

/** Describe a face: one sentence about the beard, one about the age, in either order. */
export function writeCaption(facts: CaptionFacts, draws: Draws): Caption {
  const choose = <T>(sentences: readonly Sentence<T>[], says: T): string => {
    const fitting = sentences.filter((sentence) => sentence.says === says);
    return fill(fitting[Math.floor(draws.random() * fitting.length)]!.text, facts.gender);
  };
  const Beard = choose(BEARD_SENTENCES, facts.beard);
  let Age = choose(AGE_SENTENCES, facts.age);
  const ageFirst = draws.random() < 0.25;
  // Every sentence about age names the gender, so a caption always tells it.
  if (!ageFirst && Beard.startsWith('This'))
    Age = Age.replace(/^This (man|woman)/, facts.gender === 'man' ? 'He' : 'She');
  return { Beard_and_Age: ageFirst ? `${Age} ${Beard}` : `${Beard} ${Age}`, Beard, Age };
}

/** What a caption says. @throws Error for a sentence that {@link writeCaption} does not write */
export function parseCaption(caption: string): CaptionFacts {
  let [gender, age, beard]: [Gender?, Age?, Beard?] = [];
  for (const sentence of caption.toLowerCase().match(/[^.]+\./g) ?? []) {
    const text = sentence.trim();
    if (/\b(he|his|man)\b/.test(text)) gender = 'man';
    else if (/\b(she|her|woman)\b/.test(text)) gender = 'woman';
    const ofAge = find(AGE_SENTENCES, text);
    const ofBeard = find(BEARD_SENTENCES, text);
    if (ofAge === undefined && ofBeard === undefined) throw new Error(`no such sentence: '${text}'`);
    age ??= ofAge;
    beard ??= ofBeard;
  }
  if (gender && age && beard) return { gender, age, beard };
  throw new Error(`'${caption}' does not tell gender, age and beard`);
}

function find<T>(sentences: readonly Sentence<T>[], text: string): T | undefined {
  return sentences.find((sentence) =>
    ['man', 'woman'].some((g) => fill(sentence.text, g as Gender).toLowerCase() === text),
  )?.says;
}

function fill(text: string, gender: Gender): string {
  const [he, his] = gender === 'man' ? ['he', 'his'] : ['she', 'her'];
  const capital = (word: string) => word[0]!.toUpperCase() + word.slice(1);
  return text
    .replaceAll('{man}', gender)
    .replaceAll('{he}', he!)
    .replaceAll('{his}', his!)
    .replaceAll('{He}', capital(he!))
    .replaceAll('{His}', capital(his!));
}
