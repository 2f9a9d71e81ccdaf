import Supernet

/// What a selection's task puts on each edge of the supernet.
struct EdgeChoices {
    private let criterion: SelectionCriterion
    private let weight: OperationWeight
    private let betas: [[Float]]
    private let none: Int?

    init(_ options: SelectionOptions, betas: [[Float]], space: SearchSpace) {
        criterion = options.criterion ?? .strength
        weight = options.weight ?? .one
        self.betas = betas
        none = space.operations.firstIndex(of: "none")
    }

    func of(_ task: StrengthTask) -> [EdgeChoice] {
        var choices = task.decided.enumerated().map { edge, operation in
            operation.map { alone($0, on: edge) } ?? .mixed
        }
        if let (edge, operation) = task.replacement.map({ ($0.edge, $0.operation) }) {
            let isRemoved = criterion == .removal && operation != StrengthTask.leftOut
            choices[edge] = isRemoved ? .without(operation) : alone(operation, on: edge)
        }
        return choices
    }

    private func alone(_ operation: Int, on edge: Int) -> EdgeChoice {
        if operation == StrengthTask.leftOut { return .leftOut }
        switch weight {
        case .one: return .single(operation)
        case .beta: return .weighted(operation, Double(betas[edge][operation]))
        case .variance:
            var squares = 0.0
            for (other, beta) in betas[edge].enumerated() where other != none { squares += Double(beta) * Double(beta) }
            return .weighted(operation, squares.squareRoot())
        }
    }
}
