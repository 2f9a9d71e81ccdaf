extension SearchSpace {
    /// Liu, Simonyan, Yang, *DARTS: Differentiable Architecture Search*, ICLR 2019: normal and reduction cells with two
    /// input nodes (0 and 1) and four nodes that keep two input edges each.
    public static let darts = restricted("darts") { _ in
        [
            "none", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3",
            "dil_conv_5x5",
        ]
    }

    /// Restrictions of the DARTS space from Zela, Elsken, Saikia, Marrakchi, Brox, Hutter, *Understanding and Robustifying
    /// Differentiable Architecture Search*, ICLR 2020. S1: two operations an edge, those that a search had found the most
    /// important.
    public static let s1 = SpaceDefinition(
        name: "s1", normal: SpaceDefinition.edges { s1Normal[$0] }, reduce: SpaceDefinition.edges { s1Reduce[$0] }
    ).made()

    /// S2: an identity and a separable convolution on each edge.
    public static let s2 = restricted("s2") { _ in ["skip_connect", "sep_conv_3x3"] }

    /// S3: the same, and nothing.
    public static let s3 = restricted("s3") { _ in ["none", "skip_connect", "sep_conv_3x3"] }

    /// S4: a separable convolution and noise, which harms wherever it stands.
    public static let s4 = restricted("s4") { _ in ["noise", "sep_conv_3x3"] }

    private static func restricted(_ name: String, _ operations: (Int) -> [String]) -> SearchSpace {
        let edges = SpaceDefinition.edges(operations)
        return SpaceDefinition(name: name, normal: edges, reduce: edges).made()
    }

    private static let (skip, sep, dil3, dil5) = ("skip_connect", "sep_conv_3x3", "dil_conv_3x3", "dil_conv_5x5")
    private static let (maximum, average) = ("max_pool_3x3", "avg_pool_3x3")

    private static let s1Normal = [
        [skip, dil3], [skip, dil5], [skip, dil5], [skip, sep], [skip, dil3], [maximum, skip], [skip, sep], [skip, sep],
        [skip, dil3], [skip, sep], [maximum, skip], [skip, dil3], [dil3, dil5], [dil3, dil5],
    ]

    private static let s1Reduce = [
        [maximum, average], [maximum, dil3], [maximum, average], [maximum, average], [skip, dil5], [maximum, average],
        [maximum, sep], [skip, dil3], [skip, dil5], [maximum, average], [maximum, average], [skip, dil5], [skip, dil5],
        [skip, dil5],
    ]
}
