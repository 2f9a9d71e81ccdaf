import Supernet

/// The weights and running statistics of a network of chosen cells in a safetensors file, under the names of the public
/// PyTorch code.
public enum NetworkFile {
    /// Writes them atomically, with what `load_state_dict` asks for beside: the batches that each norm has seen. Shape and
    /// genotype go into the metadata, beside the texts given.
    ///
    /// - Parameter batches: steps of the training.
    /// - Precondition: `weights` has the count of `network.parameters`.
    /// - Throws: `CheckpointError.unwritable`.
    public static func write(
        weights: [Float], of network: FinalNetwork, batches: Int, metadata: [String: String] = [:], to path: String
    ) throws(CheckpointError) {
        precondition(weights.count == network.parameters.count)
        let own = network.shape.metadata.merging(["genotype": network.genotype.description]) { first, _ in first }
        var file = SafetensorsFile(metadata: metadata.merging(own) { _, own in own })
        let variance = ".running_var"
        for entry in network.parameters.entries {
            file.tensors[entry.name] = .init(floats: weights[entry.range], shape: entry.shape)
            guard entry.name.hasSuffix(variance) else { continue }
            file.tensors[entry.name.dropLast(variance.count) + ".num_batches_tracked"] = .init(
                integers: [batches], shape: [])
        }
        try file.write(to: path)
    }

    /// Reads what a network needs, from a file of ours or one saved from PyTorch's code. What is not needed, such as an
    /// auxiliary head where the network has none, is left.
    ///
    /// - Returns: in the order of `network.parameters`.
    /// - Throws: `CheckpointError.mismatch` when a tensor is missing, has another shape, or is one of another network.
    public static func read(_ file: SafetensorsFile, for network: FinalNetwork) throws(CheckpointError) -> [Float] {
        try SupernetFile.read(file, weights: network.parameters, alphas: ParameterDirectory()).weights
    }
}
