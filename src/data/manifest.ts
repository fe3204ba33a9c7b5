import { SPLIT_RULE } from "./split.ts";

/** What a data set is, where it comes from and how it is divided. */
export interface Manifest {
  readonly name: string;
  readonly title: string;
  /** Shipped sets are fixed; a generated one is drawn from a seed, and its figures are those of the default options. */
  readonly kind: "shipped" | "generated";
  readonly source: string;
  readonly licence: string;
  readonly citation: string;
  /**
   * SHA-256 of all rows before the split: inputs as little-endian f32, row-major, then targets as little-endian i32. It is verified
   * whenever the set is loaded with the options that this manifest describes.
   */
  readonly sha256: string;
  readonly rows: number;
  readonly shape: readonly number[];
  readonly classes: number;
  readonly classNames: readonly string[];
  readonly featureNames?: readonly string[];
  /** None of these sets has an official split, so this one is fixed: `split(all, { train, seed })`. */
  readonly split: {
    readonly train: number;
    readonly test: number;
    readonly seed: number;
    readonly rule: string;
  };
}

export type ShippedName = "digits" | "iris" | "wine" | "breast_cancer";
export type GeneratedName = "spirals" | "moons" | "circles" | "xor" | "gaussians" | "teacher";
export type DatasetName = ShippedName | GeneratedName;

const UCI = "https://archive.ics.uci.edu/dataset";
const UCI_LICENCE =
  "CC BY 4.0 (UCI Machine Learning Repository), via scikit-learn 1.2.1 (BSD-3-Clause)";

function shipped(
  facts: Pick<Manifest, "title" | "source" | "citation" | "sha256" | "rows" | "shape"> & {
    readonly name: ShippedName;
    readonly classNames: readonly string[];
    readonly featureNames?: readonly string[];
    readonly train: number;
  },
): Manifest {
  const { train, ...rest } = facts;
  return {
    ...rest,
    kind: "shipped",
    licence: UCI_LICENCE,
    classes: facts.classNames.length,
    split: { train, test: facts.rows - train, seed: 0, rule: SPLIT_RULE },
  };
}

function generated(
  facts: Pick<Manifest, "title" | "citation" | "sha256"> & {
    readonly name: GeneratedName;
    readonly features?: number;
    readonly classes?: number;
  },
): Manifest {
  const { features = 2, classes = 2, ...rest } = facts;
  return {
    ...rest,
    kind: "generated",
    source: `${facts.name}() of this package`,
    licence: "MIT, as this package",
    rows: 1000,
    shape: [features],
    classes,
    classNames: Array.from({ length: classes }, (_, i) => `${i}`),
    split: { train: 800, test: 200, seed: 0, rule: SPLIT_RULE },
  };
}

const CELL_MEASURES = [
  "radius",
  "texture",
  "perimeter",
  "area",
  "smoothness",
  "compactness",
  "concavity",
  "concave points",
  "symmetry",
  "fractal dimension",
];

/** Every data set that can be loaded by name. */
export const manifests: Readonly<Record<DatasetName, Manifest>> = {
  digits: shipped({
    name: "digits",
    title: "Optical recognition of handwritten digits, 8x8 (UCI test part)",
    source: `${UCI}/80/optical+recognition+of+handwritten+digits`,
    citation:
      "Alpaydin, E. and Kaynak, C. (1998). Optical Recognition of Handwritten Digits. UCI Machine Learning Repository. " +
      "https://doi.org/10.24432/C50P49",
    sha256: "bacf08bc160a4706bf0ab1120a1e498c17e884f531eb0654fda392ec701ba72a",
    rows: 1797,
    shape: [8, 8],
    classNames: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    train: 1400,
  }),
  iris: shipped({
    name: "iris",
    title: "Iris plants (Fisher), the two wrong points of UCI's copy mended",
    source: `${UCI}/53/iris`,
    citation:
      "Fisher, R. A. (1936). Iris. UCI Machine Learning Repository. https://doi.org/10.24432/C56C76",
    sha256: "3f1e7d0047d500960250be7d6e90bd7fb6339679eadf1729deb4ab4c997afd12",
    rows: 150,
    shape: [4],
    classNames: ["setosa", "versicolor", "virginica"],
    featureNames: [
      "sepal length (cm)",
      "sepal width (cm)",
      "petal length (cm)",
      "petal width (cm)",
    ],
    train: 120,
  }),
  wine: shipped({
    name: "wine",
    title: "Wine recognition: chemical analysis of three cultivars",
    source: `${UCI}/109/wine`,
    citation:
      "Aeberhard, S. and Forina, M. (1992). Wine. UCI Machine Learning Repository. https://doi.org/10.24432/C5PC7J",
    sha256: "d919ffdf50a763e57150d80189956465c43de7b331d14a178a175404648606d1",
    rows: 178,
    shape: [13],
    classNames: ["class_0", "class_1", "class_2"],
    featureNames: [
      "alcohol",
      "malic acid",
      "ash",
      "alcalinity of ash",
      "magnesium",
      "total phenols",
      "flavanoids",
      "nonflavanoid phenols",
      "proanthocyanins",
      "color intensity",
      "hue",
      "od280/od315 of diluted wines",
      "proline",
    ],
    train: 142,
  }),
  breast_cancer: shipped({
    name: "breast_cancer",
    title: "Breast cancer Wisconsin (diagnostic)",
    source: `${UCI}/17/breast+cancer+wisconsin+diagnostic`,
    citation:
      "Wolberg, W., Mangasarian, O., Street, N. and Street, W. (1993). Breast Cancer Wisconsin (Diagnostic). " +
      "UCI Machine Learning Repository. https://doi.org/10.24432/C5DW2B",
    sha256: "86abafa0d5a78e22763d04a8ac6a8cf82de38afc648f396da59cea94e70dc4ba",
    rows: 569,
    shape: [30],
    classNames: ["malignant", "benign"],
    featureNames: [
      ...CELL_MEASURES.map((measure) => `mean ${measure}`),
      ...CELL_MEASURES.map((measure) => `${measure} error`),
      ...CELL_MEASURES.map((measure) => `worst ${measure}`),
    ],
    train: 455,
  }),
  spirals: generated({
    name: "spirals",
    title: "Interleaved spirals in the plane",
    citation: "After Lang, K. and Witbrock, M. (1988). Learning to tell two spirals apart.",
    sha256: "0e00ff19b7955e3eec6e62e2766ce9ce759fce514d3f3e85e793437a871321cd",
  }),
  moons: generated({
    name: "moons",
    title: "Two interleaved half circles in the plane",
    citation: "After make_moons of scikit-learn, Pedregosa et al. (2011), JMLR 12.",
    sha256: "41fac562df6cd23d01fca6d8e7a2d665c95549fd102e5ae6c145e37872368077",
  }),
  circles: generated({
    name: "circles",
    title: "Concentric rings in the plane",
    citation: "After make_circles of scikit-learn, Pedregosa et al. (2011), JMLR 12.",
    sha256: "04edaa9bcfa6acf3011fa036fb57701d50101e9b2e9394400bccf708d7e49f0d",
  }),
  xor: generated({
    name: "xor",
    title: "Exclusive or of two signs on a square",
    citation: "After Minsky, M. and Papert, S. (1969). Perceptrons.",
    sha256: "e87df786ba198bbc5dd80ee8eef3084d9f6a6318e1094fb463be607335d95179",
  }),
  gaussians: generated({
    name: "gaussians",
    title: "One Gaussian blob a class",
    citation: "The textbook problem with a known Bayes error.",
    sha256: "0f9584bdf6d695340bbc0b835145162870a95ee30af5501a74b6a43982419c2b",
    classes: 3,
  }),
  teacher: generated({
    name: "teacher",
    title: "Labels of a random two-layer ReLU network",
    citation:
      "After Gardner, E. and Derrida, B. (1989). Three unfinished works on the optimal storage capacity of networks.",
    sha256: "b79192de177be16ae7f1563c032b71d8b9ddb8856486bf63f23694ca2f29504c",
    features: 16,
    classes: 4,
  }),
};

/** The names of all data sets, shipped ones first. */
export const datasetNames: readonly DatasetName[] = Object.keys(manifests) as DatasetName[];
