import Checkpoint
import Search
import Supernet

extension RunFolder {
    /// Writes genotype with its pictures and the network that was trained, and last the summary.
    public func writeResults(
        _ outcome: SearchOutcome, summary: TrainingSummary, network: FinalNetwork
    ) throws(ReportingError) {
        try write("genotype.txt", (summary.architecture.map { $0 + "\n" } ?? "") + summary.genotype + "\n")
        try write("genotype.dot", network.genotype.dot)
        try write("genotype.svg", network.genotype.svg)
        do {
            try NetworkFile.write(
                weights: outcome.state.weights, of: network, batches: outcome.state.appliedHalfSteps,
                metadata: metadata(outcome), to: file("network.safetensors"))
        } catch {
            throw ReportingError(error)
        }
        try write("summary.json", json: summary)
    }

    private func metadata(_ outcome: SearchOutcome) -> [String: String] {
        let configuration = outcome.configuration
        return [
            "dataset": configuration.dataset.rawValue, "seed": "\(configuration.seed)",
            "epochs": "\(configuration.epochs)", "batch": "\(configuration.batch)",
            "shards": "\(configuration.shards)", "half_steps": "\(outcome.state.appliedHalfSteps)",
            "written_by": "ostr \(Version.current)",
        ]
    }

    /// Writes strengths, genotype with its pictures and supernet, and last the summary, by whose presence a run is known to be complete.
    public func writeResults(
        _ outcome: SearchOutcome, summary: Summary, space: SearchSpace, weights: ParameterDirectory,
        alphas: ParameterDirectory
    ) throws(ReportingError) {
        try write("strengths.csv", StrengthTable.csv(outcome.selection, space: space))
        try write("genotype.txt", (summary.architecture.map { $0 + "\n" } ?? "") + summary.genotype + "\n")
        let genotype = Genotype(space: space, operations: outcome.selection.operations, kept: outcome.selection.kept)
        try write("genotype.dot", genotype.dot)
        try write("genotype.svg", genotype.svg)
        do {
            try SupernetFile.write(
                weights: outcome.state.weights, directory: weights, alphas: outcome.state.alphas,
                alphaDirectory: alphas, shape: outcome.configuration.supernet,
                metadata: metadata(outcome), to: file("supernet.safetensors"))
        } catch {
            throw ReportingError(error)
        }
        try write("summary.json", json: summary)
    }
}
