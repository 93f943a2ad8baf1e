/**
 * What drivers do not tell, from the makers' own datasheets. One row per part:
 * model | pattern of the driver's name | memory GB | type | GB/s | FP16 or BF16 TFLOPS | FP32 TFLOPS |
 * W | compute capability or gfx | SMs or CUs | cores | tensor or matrix cores | NVLink or fabric GB/s,
 * both directions together | PCIe generation | source.
 *
 * TFLOPS are dense (no structured sparsity), of the matrix units with FP32 accumulation where the part
 * has such units. A dash is a figure that the source does not give. The parts of the project's
 * reference (domain.md §3.6) were compared with their sources on 2026-11-21; the other rows quote the
 * named document without that second look.
 *
 * Corrections of the seeds' table: an H100 SXM has 3.35 TB/s (not 3), its "1979 FP16" is sparse;
 * TPU v4 has 275 BF16 TFLOPS (420 is a v3-8 board of four chips); an A100 has 6,912 CUDA cores
 * (10,752 is GA102) and 40 or 80 GB; an L40S has 362 dense FP16 TFLOPS (733 is FP8 or sparse FP16).
 */
export const datasheetTable = `
GTX 1070 Ti | GTX 1070 Ti | 8 | GDDR5 | 256 | - | 8.2 | 180 | 6.1 | 19 | 2432 | 0 | - | 3 | NVIDIA GeForce GTX 1070 Ti specifications, 2017
RTX 2070 | RTX 2070$ | 8 | GDDR6 | 448 | - | 7.5 | 175 | 7.5 | 36 | 2304 | 288 | - | 3 | NVIDIA Turing architecture whitepaper WP-09183, 2018
RTX 2080 SUPER | RTX 2080 SUPER | 8 | GDDR6 | 496 | - | 11.2 | 250 | 7.5 | 48 | 3072 | 384 | 50 | 3 | NVIDIA GeForce RTX 2080 SUPER specifications, 2019
RTX 2080 Ti | RTX 2080 Ti | 11 | GDDR6 | 616 | 53.8 | 13.4 | 250 | 7.5 | 68 | 4352 | 544 | 100 | 3 | NVIDIA Turing architecture whitepaper WP-09183, 2018
RTX 3080 | RTX 3080$ | 10 | GDDR6X | 760 | 59.5 | 29.8 | 320 | 8.6 | 68 | 8704 | 272 | - | 4 | NVIDIA Ampere GA102 architecture whitepaper, 2021
RTX 3090 | RTX 3090$ | 24 | GDDR6X | 936 | 71 | 35.6 | 350 | 8.6 | 82 | 10496 | 328 | 112.5 | 4 | NVIDIA Ampere GA102 architecture whitepaper, 2021
RTX 4080 | RTX 4080$ | 16 | GDDR6X | 716.8 | 97.5 | 48.7 | 320 | 8.9 | 76 | 9728 | 304 | - | 4 | NVIDIA Ada architecture whitepaper, 2023
RTX 4090 | RTX 4090$ | 24 | GDDR6X | 1008 | 165.2 | 82.6 | 450 | 8.9 | 128 | 16384 | 512 | - | 4 | NVIDIA Ada architecture whitepaper, 2023
RTX 5090 | RTX 5090$ | 32 | GDDR7 | 1792 | 209.5 | 104.8 | 575 | 12.0 | 170 | 21760 | 680 | - | 5 | NVIDIA RTX Blackwell architecture whitepaper, 2025
RTX A6000 | RTX A6000 | 48 | GDDR6 | 768 | 154.8 | 38.7 | 300 | 8.6 | 84 | 10752 | 336 | 112.5 | 4 | NVIDIA Ampere GA102 architecture whitepaper, 2021
RTX 6000 Ada | RTX 6000 Ada | 48 | GDDR6 | 960 | 364.2 | 91.1 | 300 | 8.9 | 142 | 18176 | 568 | - | 4 | NVIDIA RTX 6000 Ada datasheet, 2023
P100 SXM2 16GB | P100-SXM2 | 16 | HBM2 | 732 | 21.2 | 10.6 | 300 | 6.0 | 56 | 3584 | 0 | 160 | 3 | NVIDIA Tesla P100 datasheet, 2016
P100 PCIe 16GB | P100-PCIE-16 | 16 | HBM2 | 732 | 18.7 | 9.3 | 250 | 6.0 | 56 | 3584 | 0 | - | 3 | NVIDIA Tesla P100 PCIe datasheet, 2016
P40 | Tesla P40 | 24 | GDDR5 | 346 | - | 12 | 250 | 6.1 | 30 | 3840 | 0 | - | 3 | NVIDIA Tesla P40 datasheet, 2017
V100 SXM2 16GB | V100-SXM2-16 | 16 | HBM2 | 900 | 125 | 15.7 | 300 | 7.0 | 80 | 5120 | 640 | 300 | 3 | NVIDIA V100 datasheet, January 2020
V100 SXM2 32GB | V100-SXM2-32 | 32 | HBM2 | 900 | 125 | 15.7 | 300 | 7.0 | 80 | 5120 | 640 | 300 | 3 | NVIDIA V100 datasheet, January 2020
V100 PCIe 16GB | V100-PCIE-16 | 16 | HBM2 | 900 | 112 | 14 | 250 | 7.0 | 80 | 5120 | 640 | - | 3 | NVIDIA V100 datasheet, January 2020
V100 PCIe 32GB | V100-PCIE-32 | 32 | HBM2 | 900 | 112 | 14 | 250 | 7.0 | 80 | 5120 | 640 | - | 3 | NVIDIA V100 datasheet, January 2020
T4 | (Tesla|NVIDIA) T4$ | 16 | GDDR6 | 320 | 65 | 8.1 | 70 | 7.5 | 40 | 2560 | 320 | - | 3 | NVIDIA T4 product brief PB-09256, 2020
A2 | NVIDIA A2$ | 16 | GDDR6 | 200 | 18 | 4.5 | 60 | 8.6 | 10 | 1280 | 40 | - | 4 | NVIDIA A2 datasheet, 2021
A10 | NVIDIA A10$ | 24 | GDDR6 | 600 | 125 | 31.2 | 150 | 8.6 | 72 | 9216 | 288 | - | 4 | NVIDIA A10 datasheet, 2021
A30 | NVIDIA A30$ | 24 | HBM2 | 933 | 165 | 10.3 | 165 | 8.0 | 56 | 3584 | 224 | 200 | 4 | NVIDIA A30 datasheet, 2022
A40 | NVIDIA A40$ | 48 | GDDR6 | 696 | 149.7 | 37.4 | 300 | 8.6 | 84 | 10752 | 336 | 112.5 | 4 | NVIDIA A40 datasheet, 2022
A100 SXM4 40GB | A100-SXM4-40 | 40 | HBM2 | 1555 | 312 | 19.5 | 400 | 8.0 | 108 | 6912 | 432 | 600 | 4 | NVIDIA A100 datasheet, June 2021
A100 SXM4 80GB | A100-SXM4-80 | 80 | HBM2e | 2039 | 312 | 19.5 | 400 | 8.0 | 108 | 6912 | 432 | 600 | 4 | NVIDIA A100 datasheet, June 2021
A100 PCIe 40GB | A100-PCIE-40 | 40 | HBM2 | 1555 | 312 | 19.5 | 250 | 8.0 | 108 | 6912 | 432 | 600 | 4 | NVIDIA A100 datasheet, June 2021
A100 PCIe 80GB | A100 80GB PCIe | 80 | HBM2e | 1935 | 312 | 19.5 | 300 | 8.0 | 108 | 6912 | 432 | 600 | 4 | NVIDIA A100 datasheet, June 2021
A800 SXM4 80GB | A800-SXM4-80 | 80 | HBM2e | 2039 | 312 | 19.5 | 400 | 8.0 | 108 | 6912 | 432 | 400 | 4 | NVIDIA A800 datasheet, 2022
L4 | NVIDIA L4$ | 24 | GDDR6 | 300 | 121 | 30.3 | 72 | 8.9 | 58 | 7424 | 232 | - | 4 | NVIDIA L4 datasheet, 2023
L40 | NVIDIA L40$ | 48 | GDDR6 | 864 | 181 | 90.5 | 300 | 8.9 | 142 | 18176 | 568 | - | 4 | NVIDIA L40 datasheet, 2023
L40S | NVIDIA L40S$ | 48 | GDDR6 | 864 | 362 | 91.6 | 350 | 8.9 | 142 | 18176 | 568 | - | 4 | NVIDIA L40S datasheet, 2023
H100 SXM5 80GB | H100 80GB HBM3 | 80 | HBM3 | 3350 | 989 | 67 | 700 | 9.0 | 132 | 16896 | 528 | 900 | 5 | NVIDIA H100 datasheet, 2023
H100 PCIe 80GB | H100 PCIe | 80 | HBM2e | 2039 | 756 | 51 | 350 | 9.0 | 114 | 14592 | 456 | 600 | 5 | NVIDIA H100 PCIe product brief PB-11133, 2022
H100 NVL 94GB | H100 NVL | 94 | HBM3 | 3938 | 835 | 60 | 400 | 9.0 | 132 | 16896 | 528 | 600 | 5 | NVIDIA H100 NVL product brief PB-11773, 2024
H800 SXM5 80GB | H800$ | 80 | HBM3 | 3350 | 989 | 67 | 700 | 9.0 | 132 | 16896 | 528 | 400 | 5 | NVIDIA H800 datasheet, 2023
H20 96GB | H20$ | 96 | HBM3 | 4000 | 148 | 44 | 400 | 9.0 | 78 | 9984 | 312 | 900 | 5 | NVIDIA H20 datasheet, 2023
H200 SXM 141GB | H200$ | 141 | HBM3e | 4800 | 989 | 67 | 700 | 9.0 | 132 | 16896 | 528 | 900 | 5 | NVIDIA H200 datasheet, 2024
H200 NVL 141GB | H200 NVL | 141 | HBM3e | 4800 | 835 | 60 | 600 | 9.0 | 132 | 16896 | 528 | 900 | 5 | NVIDIA H200 datasheet, 2024
GH200 96GB | GH200 480GB | 96 | HBM3 | 4000 | 989 | 67 | - | 9.0 | 132 | 16896 | 528 | 900 | 5 | NVIDIA GH200 datasheet, 2023
B200 180GB | NVIDIA B200$ | 180 | HBM3e | 8000 | 2250 | 75 | 1000 | 10.0 | 148 | 18944 | 592 | 1800 | 5 | NVIDIA DGX B200 datasheet, 2024
GB10 | GB10$ | - | LPDDR5X | 273 | - | - | 140 | 12.1 | 48 | 6144 | 192 | - | 5 | NVIDIA DGX Spark datasheet, 2025
MI100 | MI100 | 32 | HBM2 | 1228.8 | 184.6 | 23.1 | 300 | gfx908 | 120 | 7680 | 480 | 276 | 4 | AMD Instinct MI100 brochure, 2020
MI210 | MI210 | 64 | HBM2e | 1638.4 | 181 | 22.6 | 300 | gfx90a | 104 | 6656 | 416 | 300 | 4 | AMD Instinct MI210 brochure, 2022
MI250 | MI250$ | 128 | HBM2e | 3276.8 | 362.1 | 45.3 | 560 | gfx90a | 208 | 13312 | 832 | 800 | 4 | AMD Instinct MI200 series datasheet, 2022
MI250X | MI250X | 128 | HBM2e | 3276.8 | 383 | 47.9 | 560 | gfx90a | 220 | 14080 | 880 | 800 | 4 | AMD Instinct MI200 series datasheet, 2022
MI300A | MI300A | 128 | HBM3 | 5300 | 980.6 | 122.6 | 760 | gfx942 | 228 | 14592 | 912 | - | 5 | AMD Instinct MI300A datasheet, 2023
MI300X | MI300X | 192 | HBM3 | 5300 | 1307.4 | 163.4 | 750 | gfx942 | 304 | 19456 | 1216 | 896 | 5 | AMD Instinct MI300X datasheet, 2023
MI325X | MI325X | 256 | HBM3e | 6000 | 1307.4 | 163.4 | 1000 | gfx942 | 304 | 19456 | 1216 | 896 | 5 | AMD Instinct MI325X datasheet, 2024
MI350X | MI350X | 288 | HBM3e | 8000 | 2306.9 | 144.2 | 1000 | gfx950 | 256 | 16384 | 1024 | 1075 | 5 | AMD Instinct MI350X datasheet, 2025
MI355X | MI355X | 288 | HBM3e | 8000 | 2516.6 | 157.3 | 1400 | gfx950 | 256 | 16384 | 1024 | 1075 | 5 | AMD Instinct MI355X datasheet, 2025
RX 6700 XT | 6700 XT | 12 | GDDR6 | 384 | 26.4 | 13.2 | 230 | gfx1031 | 40 | 2560 | 0 | - | 4 | AMD Radeon RX 6700 XT specifications, 2021
Data Center GPU Max 1550 | GPU Max 1550 | 128 | HBM2e | 3276.8 | 839 | 52.4 | 600 | - | 128 | 16384 | 1024 | - | 5 | Intel Data Center GPU Max product brief, 2023
Gaudi 2 | Gaudi ?2 | 96 | HBM2e | 2450 | 432 | - | 600 | - | - | - | - | 600 | 4 | Intel Gaudi 2 whitepaper, 2022
Gaudi 3 | Gaudi ?3 | 128 | HBM2e | 3700 | 1835 | - | 900 | - | - | - | - | 1200 | 5 | Intel Gaudi 3 whitepaper, 2024
TPU v2 | TPU v2 | 16 | HBM | 700 | 46 | - | 280 | - | - | - | - | - | - | Jouppi et al., Communications of the ACM 63(7), 2020
TPU v3 | TPU v3 | 32 | HBM | 900 | 123 | - | 450 | - | - | - | - | - | - | Jouppi et al., Communications of the ACM 63(7), 2020
TPU v4 | TPU v4 | 32 | HBM | 1200 | 275 | - | 192 | - | - | - | - | - | - | Jouppi et al., ISCA 2023 (192 W is the maximum, 170 W the mean)
TPU v5e | TPU v5e | 16 | HBM2 | 819 | 197 | - | - | - | - | - | - | - | - | Google Cloud TPU v5e documentation, 2024
TPU v5p | TPU v5p | 95 | HBM2e | 2765 | 459 | - | - | - | - | - | - | - | - | Google Cloud TPU v5p documentation, 2024
TPU v6e | TPU v6e | 32 | HBM | 1640 | 918 | - | - | - | - | - | - | - | - | Google Cloud TPU v6e documentation, 2025
`;

/**
 * On-demand rent in US dollars per device and hour: model | low | high | as of. The spread is between
 * providers; spot and marketplace offers lie below it.
 */
export const rentTable = `
A100 SXM4 80GB | 0.80 | 3.00 | 2026-05
H100 SXM5 80GB | 2.00 | 5.00 | 2026-05
H200 SXM 141GB | 2.50 | 7.00 | 2026-05
B200 180GB | 3.00 | 6.00 | 2026-05
MI300X | 2.00 | 6.00 | 2026-05
L40S | 0.80 | 2.00 | 2026-05
T4 | 0.35 | 0.53 | 2026-05
V100 SXM2 16GB | 0.30 | 3.06 | 2026-05
TPU v5e | 1.20 | 1.20 | 2026-05
TPU v5p | 4.20 | 4.20 | 2026-05
TPU v4 | 3.22 | 3.22 | 2026-05
`;
