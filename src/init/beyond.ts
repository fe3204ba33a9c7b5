/** What needs a network that exists, for `docs/initializers.md`: it is done by functions over a network, so no registry holds it. */
export interface Beyond {
  /** The function, as exported. */
  readonly name: string;
  readonly formula: string;
  readonly use: string;
  readonly source: string;
  /** The property that a test of `tests/network` holds it to. */
  readonly property: string;
}

/** Functions that set a network's weights from a batch of data. */
export const PROCEDURES: readonly Beyond[] = [
  {
    name: "lsuv",
    formula:
      "orthonormal kernels, then layer by layer W / sqrt(Var(z)) until |Var(z) - 1| < tolerance",
    use: "deep networks without normalisation",
    source: "Mishkin & Matas 2016, arXiv:1511.06422, algorithm 1",
    property:
      "the variance of each pre-activation is 1 within the tolerance; a second run changes nothing",
  },
  {
    name: "krahenbuhl",
    formula:
      "W / sigma and (b - mu) / sigma for each channel, layer after layer; then W_k (C_k / C)^(damping / 2), C_k = |dL/dW_k| / |W_k|, C their geometric mean",
    use: "deep networks whose layers learn at different rates",
    source: "Krähenbühl et al. 2016, algorithms 1 and 2",
    property: "relative gradients are equal, outputs stay, channels keep mean 0",
  },
  {
    name: "weightNormInit",
    formula: "t = v x / |v|, g = 1 / sigma[t], b = -mu[t] / sigma[t], W = g v / |v|",
    use: "networks with weight normalisation, or as a start for any",
    source: "Salimans & Kingma 2016, eq. (5)",
    property: "pre-activations have mean 0 and variance 1 on the batch",
  },
  {
    name: "calibrateBias",
    formula: "b minus the (1 - p) quantile of z: z > 0 on a share p of the batch",
    use: "relu layers with dead units",
    source: "quantiles; calibratedBias of headstart/init is the formula",
    property: "the share of active units is p within 1 / rows",
  },
  {
    name: "metaInit",
    formula:
      "sign descent with momentum on the kernels' norms, so that mean |(g - Hg) / (g + epsilon sgn g) - 1| falls",
    use: "when a network's scale is far from right and no rule is known for it",
    source: "Dauphin & Schoenholz 2019, appendix",
    property: "the quotient falls; that of a quadratic is its definition",
  },
  {
    name: "gradInit",
    formula: "one factor a tensor that minimises L(w - lr A[g]) while |g| <= gamma",
    use: "when the first steps of an optimiser diverge",
    source: "Zhu et al. 2021, arXiv:2102.08098, algorithm 1",
    property:
      "the loss after the first step is lower; a gradient that is too long is shortened first",
  },
  {
    name: "shrinkPerturb",
    formula: "shrink w + noise N(0, 1) for every parameter",
    use: "going on from a trained network when data are added: warm starts that generalise like fresh ones",
    source: "Ash & Adams 2020",
    property: "mean and deviation of w' - shrink w are 0 and noise; the same seed adds the same",
  },
];

/** Functions that take weights from elsewhere. */
export const PRETRAINED: readonly Beyond[] = [
  {
    name: "loadWeights",
    formula:
      "the tensors of a safetensors file, by name; partial, freshHead, names and transposes on request",
    use: "going on from a saved network, of this library or of PyTorch",
    source: "the safetensors format",
    property: "the network computes what the saved one did",
  },
  {
    name: "selectWeights",
    formula: "of a larger network the uniform slice along every axis",
    use: "small networks of a family whose large one is trained",
    source: "Xu et al. 2024, arXiv:2311.18823",
    property: "equals the larger network when it is as large",
  },
  {
    name: "widenFrom",
    formula:
      "unit j of a widened axis copies unit j mod n; what reads it is divided by its number of copies",
    use: "growing a trained network",
    source: "Chen, Goodfellow & Shlens 2016, Net2WiderNet, arXiv:1511.05641",
    property: "the wider network computes the same function",
  },
];

/** Schemes of the literature that are not here, and why. */
export const NOT_HERE: readonly (readonly [name: string, why: string])[] = [
  [
    "PCA and k-means filter banks (Coates & Ng 2012; Krähenbühl 2016)",
    "filters are eigenvectors or centres of patches of data, which a scheme does not see; compute them and set them with `network.setWeights`. `gabor` is the bank without data",
  ],
  [
    "weights from an array (Keras get(tensor), nninit copy)",
    "a description is plain text; `network.setWeights`, `loadWeights` and `selectWeights` take arrays",
  ],
  [
    "PiSSA (Meng et al. 2024)",
    "needs the weights that are adapted: their greatest singular vectors. LoRA's A is `torch_default`, its B `zeros`",
  ],
  [
    "Admin (Liu et al. 2020)",
    "its omega comes from output variances profiled on data, and multiplies the skip path, which is a layer",
  ],
  [
    "Hyperfan-in and -out (Chang et al. 2020)",
    "its variances take the fans of the layer that is generated and the variance of the embedding, neither of which a hypernetwork's own parameter states; give them with variance_scaling's scale",
  ],
  [
    "AutoInit, DKS and TAT (Bingham & Miikkulainen 2023; Martens et al. 2021)",
    "they change activations or trace the graph; their weights are `scaled_orthogonal` and `delta_orthogonal:scaled=yes`",
  ],
  ["RBM and autoencoder pre-training (Hinton 2006)", "it is training: of another network"],
  [
    "HiPPO, S4D, LRU and Mamba (Gu 2020; Orvieto 2023; Gu & Dao 2023)",
    "state matrices of layers that the library does not have",
  ],
  [
    "GradCosine and NIO (2022), GSM, ZiCo",
    "they maximise or rank by agreement of gradients from example to example, which one backward pass over a batch does not give; `gradInit` and `metaInit` are the optimised ones here",
  ],
  [
    "random features and extreme learning machines",
    "no scheme of their own: draw the hidden layers by any scheme and freeze them with `groups` (`learningRateScale: 0`), so that the readout alone learns, by gradient descent; a solution by least squares is not there",
  ],
  [
    "lottery-ticket rewinding (Frankle 2019)",
    "no values of its own: `network.initialise()` draws the first weights again, `loadWeights` takes those saved at step k; masks are a way to train, which the library does not have",
  ],
  [
    "model soups and stitching",
    "averages of trained networks' weights, and layers trained between two of them: `weights` and `setWeights` make the average, `loadWeights` with `partial` the halves",
  ],
  [
    "orthogonal convolutions in Fourier space: Cayley, SOC (Trockman & Kolter 2021)",
    "parameterisations that hold during training, hence layers; at the start `delta_orthogonal` and `block_orthogonal` are orthogonal too",
  ],
  [
    "IDInit's IDIZ pattern and patch-maintain convolution (Pan et al. 2025)",
    "the published formula could not be checked against code; `identity`, `dirac` and `zero_hadamard` are its kin",
  ],
  [
    "NF-Nets (Brock et al. 2021)",
    "scaled weight standardisation is computed in every pass, hence a layer",
  ],
  [
    "impulse attention (Zheng 2024)",
    "its queries and keys are solved for from the positions' encoding, which a parameter does not state; `mimetic` needs none",
  ],
  [
    "covariances of ConvMixer's filters (Trockman 2023)",
    "for large depthwise filters of one architecture, with constants fitted to trained ones",
  ],
  [
    "Fourier features N(0, s^2)",
    "it is `normal:std=s`, frozen with `groups` (`learningRateScale: 0`)",
  ],
  [
    "physics-informed networks, graph networks, KAN, mixtures of experts",
    "no scheme of their own where layers are dense: `glorot_uniform` and its kin; splines, message passing and routers are layers that the library does not have",
  ],
];
