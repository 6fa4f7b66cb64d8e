import { bertEmbedder } from './bert-embedder.js';
import { codiffSampler } from './codiff-sampler.js';
import { codiffTrain } from './codiff-train.js';
import { composeUnet } from './compose-unet.js';
import { ddimSchedule } from './ddim-schedule.js';
import { freeu } from './freeu.js';
import { fullsize } from './fullsize.js';
import { imagic } from './imagic.js';
import type { Kind } from './kind.js';
import { ldm } from './ldm.js';
import { modules } from './modules.js';
import { postprocess } from './postprocess.js';
import { preprocess } from './preprocess.js';
import { sampler } from './sampler.js';
import { schedule } from './schedule.js';
import { segMaskEncoder } from './seg-mask-encoder.js';
import { timestepEmbeddings } from './timestep-embedding.js';
import { unet } from './unet.js';
import { unetTrain } from './unet-train.js';
import { vaeAutoencoder } from './vae-autoencoder.js';
import { vaeGanLoss } from './vae-gan-loss.js';
import { vaeTrain } from './vae-train.js';

/** Every kind of case that the fixtures' README defines; any other name fails the case. */
export const KIND_NAMES = [
  'timestep_embedding',
  'unet',
  'unet_train',
  'vae_autoencoder',
  'vae_gan_loss',
  'vae_train',
  'bert_embedder',
  'seg_mask_encoder',
  'schedule',
  'ddim_schedule',
  'ldm',
  'sampler',
  'compose_unet',
  'codiff_sampler',
  'codiff_train',
  'freeu',
  'imagic',
  'modules',
  'fullsize',
  'preprocess',
  'postprocess',
] as const;

const BUILT: readonly Kind[] = [
  timestepEmbeddings,
  unet,
  unetTrain,
  vaeAutoencoder,
  vaeGanLoss,
  vaeTrain,
  bertEmbedder,
  segMaskEncoder,
  ldm,
  sampler,
  schedule,
  ddimSchedule,
  composeUnet,
  codiffSampler,
  codiffTrain,
  freeu,
  imagic,
  modules,
  fullsize,
  preprocess,
  postprocess,
];

/** The kinds that can be computed, by name. The others of {@link KIND_NAMES} fail as not built yet. */
export const KINDS: ReadonlyMap<string, Kind> = new Map(BUILT.map((kind) => [kind.kind, kind]));
