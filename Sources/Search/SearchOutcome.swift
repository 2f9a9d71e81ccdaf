import Crypto

/// What a whole search, or the training of a network, ends with; equal, bit by bit, however it was distributed.
public struct SearchOutcome: Sendable, Equatable {
    /// What was asked for.
    public var configuration: SearchConfiguration
    /// After the last half-step.
    public var state: TrainingState
    /// One a half-step.
    public var losses: [LossSum]
    /// The cell chosen, and the table that led to it; `.none` for a training, and where criteria are compared.
    public var selection: SelectionResult
    /// What each of the criteria chose that are compared in place of a selection; nil for others.
    public var comparison: ComparisonResult?

    /// Joins the parts; there is no comparison.
    public init(
        configuration: SearchConfiguration, state: TrainingState, losses: [LossSum], selection: SelectionResult = .none
    ) {
        self.configuration = configuration
        self.state = state
        self.losses = losses
        self.selection = selection
    }

    /// SHA-256, in hexadecimal, of these bytes (little-endian; floats by their IEEE 754 bits):
    ///
    /// 1. weights, momentum, alphas, Adam's first moment, Adam's second moment: Float32 each;
    /// 2. for every half-step in order: loss sum (Float64), correct (UInt64), images (UInt64);
    /// 3. the same three for the supernet before any decision;
    /// 4. for every row of the strength table, by edge, then by operation: edge (UInt64), operation (UInt64; 255 for the edge left
    ///    out), loss sum (Float64), shards evaluated (UInt64);
    /// 5. the decided operation of every edge (UInt64);
    /// 6. where an edge is left out of the cell: for every edge, 1 if it is kept, else 0 (UInt64).
    ///
    /// Of the training of a network there are 1 and 2, with the running statistics behind the weights. A comparison of criteria is not in
    /// it.
    public var digest: String {
        var hash = SHA256()
        var bytes: [UInt8] = []
        for section in [state.weights, state.momentum, state.alphas, state.adamFirst, state.adamSecond] {
            bytes.removeAll(keepingCapacity: true)
            LittleEndian.append(section, to: &bytes)
            hash.update(data: bytes)
        }
        bytes.removeAll(keepingCapacity: true)
        for loss in losses + (configuration.network == nil ? [selection.supernet] : []) {
            LittleEndian.append(loss.loss.bitPattern, to: &bytes)
            LittleEndian.append(UInt64(loss.correct), to: &bytes)
            LittleEndian.append(UInt64(loss.images), to: &bytes)
        }
        for row in selection.rows {
            LittleEndian.append(UInt64(row.edge), to: &bytes)
            LittleEndian.append(UInt64(row.operation), to: &bytes)
            LittleEndian.append(row.lossSum.bitPattern, to: &bytes)
            LittleEndian.append(UInt64(row.shardsEvaluated), to: &bytes)
        }
        for operation in selection.operations { LittleEndian.append(UInt64(operation), to: &bytes) }
        if selection.kept.contains(false) {
            for isKept in selection.kept { LittleEndian.append(UInt64(isKept ? 1 : 0), to: &bytes) }
        }
        hash.update(data: bytes)
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
