import Foundation
import Search

/// How a search's state is laid out in a checkpoint's files.
extension SearchState {
    private static let supernetFile = "supernet.safetensors"
    private static let optimizersFile = "optimizers.safetensors"
    private static let lossesFile = "losses.safetensors"
    /// Amid an unrolled update of the alphas.
    private static let lookAheadNames = [
        "look_ahead_weights", "look_ahead_direction", "look_ahead_alphas", "look_ahead_above",
    ]
    private static let evaluationsFile = "evaluations.json"

    /// Names and bytes of all files but the manifest.
    func files(configurationDigest: String) throws(CheckpointError) -> [(name: String, bytes: [UInt8])] {
        let metadata = ["configuration_digest": configurationDigest, "half_steps": "\(training.appliedHalfSteps)"]
        func flat(_ values: [Float]) -> SafetensorsFile.Tensor { .init(floats: values, shape: [values.count]) }
        let count = losses.count
        let supernet = SafetensorsFile(
            tensors: ["weights": flat(training.weights), "alphas": flat(training.alphas)], metadata: metadata)
        var optimizers = SafetensorsFile(
            tensors: [
                "momentum": flat(training.momentum), "adam_first": flat(training.adamFirst),
                "adam_second": flat(training.adamSecond),
            ], metadata: metadata)
        for (name, section) in zip(SearchState.lookAheadNames, training.lookAhead?.sections ?? []) {
            optimizers.tensors[name] = flat(section)
        }
        let lossSums = SafetensorsFile(
            tensors: [
                // By their bits: a passed-over half-step's is infinite.
                "loss_bits": .init(integers: losses.map { Int(bitPattern: UInt($0.loss.bitPattern)) }, shape: [count]),
                "correct": .init(integers: losses.map(\.correct), shape: [count]),
                "images": .init(integers: losses.map(\.images), shape: [count]),
                "skipped": .init(integers: skipped, shape: [skipped.count]),
            ], metadata: metadata)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        let evaluationBytes: [UInt8]
        do {
            evaluationBytes = Array(try encoder.encode(evaluations))
        } catch {
            throw .unwritable(file: SearchState.evaluationsFile, reason: "\(error)")
        }
        return [
            (SearchState.supernetFile, supernet.encoded()), (SearchState.optimizersFile, optimizers.encoded()),
            (SearchState.lossesFile, lossSums.encoded()), (SearchState.evaluationsFile, evaluationBytes),
        ]
    }

    /// Reads what `files` wrote.
    /// - Throws: `CheckpointError` that names the file at fault.
    init(
        files: [String: [UInt8]], folder: String, halfSteps: Int, configurationDigest: String
    ) throws(CheckpointError) {
        func file(_ name: String) throws(CheckpointError) -> SafetensorsFile {
            guard let bytes = files[name] else {
                throw .malformed(
                    file: "\(folder)/\(CheckpointManifest.name)", tensor: nil, expected: "a file `\(name)`",
                    found: "none")
            }
            let file = try SafetensorsFile(parsing: bytes, path: "\(folder)/\(name)")
            guard file.metadata["configuration_digest"] == configurationDigest,
                file.metadata["half_steps"] == "\(halfSteps)"
            else {
                throw .malformed(
                    file: file.path, tensor: nil,
                    expected: "half-step \(halfSteps) of configuration \(configurationDigest)",
                    found: "half-step \(file.metadata["half_steps"] ?? "?") of "
                        + "\(file.metadata["configuration_digest"] ?? "none")")
            }
            return file
        }
        let supernet = try file(SearchState.supernetFile)
        let optimizers = try file(SearchState.optimizersFile)
        let sums = try file(SearchState.lossesFile)
        var training = TrainingState(weights: try supernet.floats("weights"), alphas: try supernet.floats("alphas"))
        training.appliedHalfSteps = halfSteps
        training.momentum = try optimizers.floats("momentum")
        training.adamFirst = try optimizers.floats("adam_first")
        training.adamSecond = try optimizers.floats("adam_second")
        var sections: [[Float]] = []
        for name in SearchState.lookAheadNames where optimizers.tensors[name] != nil {
            sections.append(try optimizers.floats(name))
        }
        let (weightCount, alphaCount) = (training.weights.count, training.alphas.count)
        if sections.map(\.count) == [weightCount, weightCount, alphaCount, alphaCount] {
            training.lookAhead = LookAhead(sections: sections)
        } else if !sections.isEmpty {
            throw .malformed(
                file: optimizers.path, tensor: SearchState.lookAheadNames[0],
                expected: "four tensors for each weight and alpha", found: "others")
        }
        guard training.momentum.count == training.weights.count, training.adamFirst.count == training.alphas.count,
            training.adamSecond.count == training.alphas.count
        else {
            throw .malformed(
                file: optimizers.path, tensor: nil, expected: "a number for each weight and alpha", found: "others")
        }
        let bits = try sums.integers("loss_bits")
        let correct = try sums.integers("correct")
        let images = try sums.integers("images")
        guard bits.count == correct.count, bits.count == images.count, bits.count == halfSteps else {
            throw .malformed(
                file: sums.path, tensor: nil, expected: "\(halfSteps) losses",
                found: "\(bits.count), \(correct.count) and \(images.count)")
        }
        let losses = bits.indices.map {
            LossSum(
                loss: Double(bitPattern: UInt64(UInt(bitPattern: bits[$0]))), correct: correct[$0], images: images[$0])
        }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        let evaluations: [Evaluation]
        do {
            evaluations = try decoder.decode([Evaluation].self, from: Data(files[SearchState.evaluationsFile] ?? []))
        } catch {
            throw .malformed(
                file: "\(folder)/\(SearchState.evaluationsFile)", tensor: nil, expected: "a list of evaluations",
                found: "other content")
        }
        self.init(training: training, losses: losses, skipped: try sums.integers("skipped"), evaluations: evaluations)
    }
}
