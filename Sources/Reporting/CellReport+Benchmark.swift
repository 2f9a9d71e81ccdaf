import NASBench201
import Supernet

extension CellReport {
    /// The report of a cell of NAS-Bench-201 given as text.
    /// - Throws: `ArchitectureError` with the place of the first character that does not fit.
    public init(architecture: String) throws(ArchitectureError) {
        self.init(try Architecture(parsing: architecture))
    }

    /// The report of a cell given by one operation an edge and by the edges that it has, with the benchmark's results in
    /// NAS-Bench-201.
    /// These are those of a decided selection, so a wrong count is a bug of ours.
    public init(space: SearchSpace, operations: [Int], kept: [Bool]) {
        guard space == .nasbench201 else {
            self.init(
                genotype: Genotype(space: space, operations: operations, kept: kept).description,
                operations: operations.map(space.operationName),
                kept: kept)
            return
        }
        guard let architecture = Architecture(operations: operations) else {
            preconditionFailure("a cell of NAS-Bench-201 has six operations of five")
        }
        self.init(architecture)
    }

    /// The report of chosen cells, with the benchmark's results in NAS-Bench-201.
    public init(_ genotype: Genotype) {
        self.init(
            space: genotype.space, operations: genotype.operations.map { $0 ?? 0 },
            kept: genotype.operations.map { $0 != nil })
    }

    private init(_ architecture: Architecture) {
        let entry = Benchmark.entry(for: architecture)
        let space = SearchSpace.nasbench201
        self.init(
            architecture: architecture.description,
            genotype: Genotype(
                space: space, operations: architecture.operations, kept: space.edges.map { _ in true }
            ).description,
            operations: architecture.operations.map { space.operations[$0] }, kept: space.edges.map { _ in true },
            index: entry.index,
            parametersMillions: entry.parametersMillions,
            accuracies: Benchmark.Dataset.allCases.map { dataset in
                Accuracy(
                    dataset: dataset.rawValue, validation: entry.accuracy(.init(dataset, .validation)),
                    test: entry.accuracy(.init(dataset, .test)),
                    rank: Benchmark.rank(of: architecture, by: .init(dataset, .test)))
            })
    }
}
