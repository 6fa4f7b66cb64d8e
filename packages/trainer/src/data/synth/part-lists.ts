/** Colours, and the parts of facesjs that look right beside each other at 64 pixels; chosen by eye. */

export const SKINS = [
  '#f6dccf',
  '#f2d6cb',
  '#fedac7',
  '#ddb7a0',
  '#eab687',
  '#d9a377',
  '#bb876f',
  '#a67358',
  '#8d5a45',
  '#74453d',
  '#5c3937',
];
export const HAIRS = ['#272421', '#1c1008', '#3d2314', '#5a3825', '#7a4a2a', '#b55239', '#cc9966', '#e9c67b'];
export const CLOTHES = [
  '#89bfd3',
  '#7a1319',
  '#07364f',
  '#2f6b3c',
  '#e2b33c',
  '#8a4fa3',
  '#e07b39',
  '#444a55',
  '#f0f0f0',
  '#d65f7a',
];
export const BACKDROPS = [
  '#cfe3f1',
  '#9fb8c9',
  '#e9dcc4',
  '#b9a58a',
  '#c7dcc1',
  '#6f8f78',
  '#d9c6df',
  '#7e7792',
  '#f1e7e4',
  '#5f6670',
  '#e8b9a0',
  '#a9cfd0',
];
export const LIPS = ['#a33b4a', '#c2506a', '#8c2f39', '#d0625b', '#b5476f'];

export const HEADS = {
  man: [
    'head1',
    'head2',
    'head3',
    'head4',
    'head5',
    'head6',
    'head7',
    'head8',
    'head9',
    'head10',
    'head11',
    'head12',
    'head13',
    'head14',
    'head16',
    'head17',
  ],
  woman: ['female1', 'female2', 'female3', 'head2', 'head6', 'head14'],
} as const;
export const EYES = {
  man: ['eye4', 'eye6', 'eye8', 'eye9', 'eye10', 'eye11', 'eye13', 'eye15', 'eye18', 'eye2', 'eye3'],
  woman: ['female2', 'female3', 'female4', 'female6', 'female8', 'female10', 'female14', 'female16'],
} as const;
export const BROWS = {
  man: ['eyebrow1', 'eyebrow5', 'eyebrow6', 'eyebrow7', 'eyebrow9', 'eyebrow12', 'eyebrow14', 'eyebrow18'],
  woman: ['eyebrow3', 'eyebrow4', 'eyebrow13', 'eyebrow16', 'eyebrow20', 'female2', 'female6', 'female7'],
} as const;
/** Front hair, and the hair behind the head that goes with it. */
export const HAIRCUTS = {
  man: [
    ...[
      'short',
      'short2',
      'short3',
      'crop',
      'curly',
      'curly3',
      'hair',
      'messy',
      'messy-short',
      'middle-part',
      'parted',
    ],
    ...['spike2', 'spike4', 'juice', 'high', 'afro', 'afro2', 'faux-hawk', 'emo', 'shaggy1', 'bald', 'short-bald'],
  ],
  woman: [
    'female1',
    'female2',
    'female3',
    'female4',
    'female5',
    'female6',
    'female7',
    'female8',
    'female9',
    'female11',
    'longHair',
  ],
} as const;
export const BEHIND = ['female2', 'female3', 'female4', 'female5', 'longHair'];
export const NOSES = [
  'nose1',
  'nose2',
  'nose3',
  'nose5',
  'nose6',
  'nose7',
  'nose8',
  'nose9',
  'nose10',
  'nose11',
  'small',
];
export const HATS = ['hat', 'hat2', 'hat3', 'headband', 'headband-high'];
export const GLASSES = ['glasses1-primary', 'glasses1-secondary', 'glasses2-black', 'glasses2-primary'];
export const JERSEYS = [
  'baseball',
  'baseball2',
  'baseball4',
  'football',
  'football2',
  'hockey2',
  'hockey4',
  'jersey',
  'jersey2',
  'jersey4',
];
