import ArgumentParser
import SpaceFiles
import Supernet

/// The spaces that are built in.
enum SpaceName: String, CaseIterable, ExpressibleByArgument {
    case nasbench201, darts, s1, s2, s3, s4

    var space: SearchSpace {
        switch self {
        case .nasbench201: .nasbench201
        case .darts: .darts
        case .s1: .s1
        case .s2: .s2
        case .s3: .s3
        case .s4: .s4
        }
    }
}

/// A search space on the command line: the name of one that is built in, or a file that defines one.
struct SpaceArgument: ExpressibleByArgument {
    private enum Source {
        case builtIn(SpaceName)
        case file(String)
    }

    /// A space with its definition, if it has one of its own.
    struct Loaded {
        let space: SearchSpace
        let definition: SpaceDefinition?

        /// Channels of the stem, in channels of the first cell's nodes; nil where the skeleton has one of its own.
        var stemMultiplier: Int? {
            if case .darts(let multiplier, _) = space.skeleton { multiplier } else { nil }
        }
    }

    static let nasbench201 = SpaceArgument(source: .builtIn(.nasbench201))
    static var allValueStrings: [String] { SpaceName.allCases.map(\.rawValue) + ["FILE.yaml"] }

    private let source: Source

    private init(source: Source) { self.source = source }

    init?(argument: String) {
        if let name = SpaceName(rawValue: argument) {
            source = .builtIn(name)
        } else if argument.hasSuffix(".yaml") || argument.hasSuffix(".yml") {
            source = .file(argument)
        } else {
            return nil
        }
    }

    /// - Throws: `SpaceFileError` with the line of what is wrong; `SupernetError`.
    func load() throws -> Loaded {
        switch source {
        case .builtIn(let name): return Loaded(space: name.space, definition: nil)
        case .file(let path):
            let definition = try SpaceFile.read(path)
            return Loaded(space: try definition.space(), definition: definition)
        }
    }
}
