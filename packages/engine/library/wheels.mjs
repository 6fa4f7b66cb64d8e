/**
 * The pinned wheels: what set-up downloads by name, and the SHA-256 each file must have. Every hash was computed from a
 * file in hand; a wheel without one is refused, never trusted. A row is one build for one platform; its wheels are
 * unpacked side by side into one folder.
 *
 * The CUDA build finds `../nvidia/<library>/lib` by its run path, so the NVIDIA wheels, the ones its `and-cuda` extra
 * names, need no other install.
 */

/** @typedef {import('./index.d.mts').WheelRow} WheelRow */

/** The TensorFlow release that this repository is tested with. */
export const pinnedVersion = '2.21.0';

/** The oldest TensorFlow that an importable Python package may have. */
export const oldestVersion = '2.16.0';

/** @type {WheelRow[]} */
export const pinnedWheels = [
  {
    platform: 'linux-x64',
    build: 'cpu',
    wheels: [
      {
        name: 'tensorflow-cpu',
        version: '2.21.0',
        file: 'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl',
        bytes: 273829956,
        unpackedBytes: 853775914,
        sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
      },
    ],
  },
  {
    platform: 'linux-x64',
    build: 'gpu',
    wheels: [
      {
        name: 'tensorflow',
        version: '2.21.0',
        file: 'tensorflow-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl',
        bytes: 572440367,
        unpackedBytes: 1259488058,
        sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
      },
      {
        name: 'nvidia-cublas-cu12',
        version: '12.9.3.13',
        file: 'nvidia_cublas_cu12-12.9.3.13-py3-none-manylinux_2_27_x86_64.whl',
        bytes: 581217458,
        unpackedBytes: 855123678,
        sha256: 'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
      },
      {
        name: 'nvidia-cuda-cupti-cu12',
        version: '12.9.79',
        file: 'nvidia_cuda_cupti_cu12-12.9.79-py3-none-manylinux_2_25_x86_64.whl',
        bytes: 10814997,
        unpackedBytes: 43425030,
        sha256: '096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f',
      },
      {
        name: 'nvidia-cuda-nvcc-cu12',
        version: '12.9.86',
        file: 'nvidia_cuda_nvcc_cu12-12.9.86-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
        bytes: 40546229,
        unpackedBytes: 98058022,
        sha256: '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
      },
      {
        name: 'nvidia-cuda-nvrtc-cu12',
        version: '12.9.86',
        file: 'nvidia_cuda_nvrtc_cu12-12.9.86-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
        bytes: 89568129,
        unpackedBytes: 113506502,
        sha256: '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
      },
      {
        name: 'nvidia-cuda-runtime-cu12',
        version: '12.9.79',
        file: 'nvidia_cuda_runtime_cu12-12.9.79-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
        bytes: 3493179,
        unpackedBytes: 800350,
        sha256: '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
      },
      {
        name: 'nvidia-cudnn-cu12',
        version: '9.28.0.42',
        file: 'nvidia_cudnn_cu12-9.28.0.42-py3-none-manylinux_2_27_x86_64.whl',
        bytes: 716538495,
        unpackedBytes: 1162411646,
        sha256: '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
      },
      {
        name: 'nvidia-cufft-cu12',
        version: '11.4.1.4',
        file: 'nvidia_cufft_cu12-11.4.1.4-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
        bytes: 200877592,
        unpackedBytes: 293668678,
        sha256: 'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
      },
      {
        name: 'nvidia-curand-cu12',
        version: '10.3.10.19',
        file: 'nvidia_curand_cu12-10.3.10.19-py3-none-manylinux_2_27_x86_64.whl',
        bytes: 68295626,
        unpackedBytes: 167024694,
        sha256: '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
      },
      {
        name: 'nvidia-cusolver-cu12',
        version: '11.7.5.82',
        file: 'nvidia_cusolver_cu12-11.7.5.82-py3-none-manylinux_2_27_x86_64.whl',
        bytes: 338117415,
        unpackedBytes: 495034326,
        sha256: '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
      },
      {
        name: 'nvidia-cusparse-cu12',
        version: '12.5.10.65',
        file: 'nvidia_cusparse_cu12-12.5.10.65-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
        bytes: 366465088,
        unpackedBytes: 486615630,
        sha256: '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
      },
      {
        name: 'nvidia-nccl-cu12',
        version: '2.32.3',
        file: 'nvidia_nccl_cu12-2.32.3-py3-none-manylinux_2_27_x86_64.whl',
        bytes: 351526311,
        unpackedBytes: 489655275,
        sha256: 'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c',
      },
      {
        name: 'nvidia-nvjitlink-cu12',
        version: '12.9.86',
        file: 'nvidia_nvjitlink_cu12-12.9.86-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
        bytes: 39748338,
        unpackedBytes: 95994606,
        sha256: 'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
      },
    ],
  },
  {
    platform: 'linux-arm64',
    build: 'cpu',
    wheels: [
      {
        name: 'tensorflow',
        version: '2.21.0',
        file: 'tensorflow-2.21.0-cp311-cp311-manylinux_2_27_aarch64.whl',
        bytes: 281828020,
        unpackedBytes: 883529186,
        sha256: '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
      },
    ],
  },
  {
    platform: 'darwin-arm64',
    build: 'cpu',
    wheels: [
      {
        name: 'tensorflow',
        version: '2.21.0',
        file: 'tensorflow-2.21.0-cp311-cp311-macosx_12_0_arm64.whl',
        bytes: 223405849,
        unpackedBytes: 741272602,
        sha256: '51f46f4806139d01fc7920cc72a4c75876f80649bf40ff083ab6212ceb43ca88',
      },
    ],
  },
];
