/// Complete cells that are to be measured by a supernet's weights, each of them once, in blocks of shards as a selection's.
struct CompleteCells: Sendable {
    private let shards: Int
    private let blocks: Int
    /// As tasks name them: one operation an edge, or `StrengthTask.leftOut`.
    private var cells: [[Int]] = []
    private var places: [[Int]: Int] = [:]
    /// Of cell c, block b: c × blocks + b.
    private var losses = Pieces<[LossSum]>(count: 0)
    private var imagesOfShard: Int?
    private(set) var knownShards = 0

    init(shards: Int) {
        self.shards = shards
        blocks = (shards + Selection.blockShards - 1) / Selection.blockShards
    }

    var count: Int { cells.count }
    var isComplete: Bool { losses.isComplete }

    /// One more, if it is not there yet.
    mutating func add(_ cell: [Int]) {
        guard places[cell] == nil else { return }
        places[cell] = cells.count
        cells.append(cell)
        losses.append(blocks)
    }

    mutating func takeTask() -> StrengthTask? {
        losses.take().map { number in
            StrengthTask(
                replacement: nil, decided: cells[number / blocks],
                shards: Selection.range(ofBlock: number % blocks, of: shards))
        }
    }

    mutating func returnTask(_ task: StrengthTask) { number(of: task).map { losses.giveBack($0) } }

    mutating func record(_ found: [LossSum], of task: StrengthTask) throws(SearchError) {
        guard let number = number(of: task) else { throw .mismatch("a result fits no cell: \(task)") }
        let found = try Selection.checked(found, of: task, imagesOfShard: &imagesOfShard)
        let before = losses.known
        guard losses.record(found, at: number) else {
            throw .mismatch("two results of the same task differ: \(task), \(found)")
        }
        if losses.known > before { knownShards += found.count }
    }

    /// Of a cell that was added, once all are known.
    func loss(_ cell: [Int]) -> LossSum {
        guard let place = places[cell] else { preconditionFailure("a cell that was not measured") }
        return LossSum.sum(losses.values[(place * blocks)..<((place + 1) * blocks)].flatMap { $0 ?? [] })
    }

    private func number(of task: StrengthTask) -> Int? {
        guard task.replacement == nil, let place = places[task.decided.compactMap { $0 }],
            (0..<shards).contains(task.shards.lowerBound)
        else { return nil }
        let block = task.shards.lowerBound / Selection.blockShards
        return Selection.range(ofBlock: block, of: shards) == task.shards ? place * blocks + block : nil
    }
}
