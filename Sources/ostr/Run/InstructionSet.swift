import ArgumentParser
import CProcessor

/// The instructions that a program's kernels are built for. Results are the same bits on all of them.
///
/// Cases are in ascending order: what comes later is faster, on a processor that has it.
enum InstructionSet: String, CaseIterable, ExpressibleByArgument {
    #if arch(x86_64)
        case portable
        case version3 = "x86-64-v3"
        case version4 = "x86-64-v4"

        /// What a plain build is for.
        static let standard = InstructionSet.version3
    #else
        case arm64

        /// What a plain build is for.
        static let standard = InstructionSet.arm64
    #endif

    /// That of this program.
    static let own: InstructionSet = {
        let name = String(cString: ostr_processor_built_for())
        guard let set = InstructionSet(rawValue: name) else {
            preconditionFailure("built for \(name), which is no instruction set")
        }
        return set
    }()

    /// All names, for messages.
    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    /// Whether this processor has it.
    var isSupported: Bool { ostr_processor_has(rawValue) }

    /// What a processor must have, for messages.
    var requirement: String {
        switch self {
        #if arch(x86_64)
            case .portable: "nothing beyond the baseline (portable)"
            case .version3: "AVX2, FMA and BMI2 (x86-64-v3)"
            case .version4: "AVX-512 F, BW, CD, DQ and VL (x86-64-v4)"
        #else
            case .arm64: "nothing beyond the baseline (arm64)"
        #endif
        }
    }

    /// The name of the program's file, by which programs find each other in a folder.
    var program: String { self == .standard ? "ostr" : "ostr-\(rawValue)" }
}

/// `--isa`, for commands that can be pinned to an instruction set. `HandOver` obeys it before anything is parsed.
struct InstructionSetOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Instruction set to compute with. (default: the best that this processor has and there is a program for)",
            valueName: "name"))
    var isa: InstructionSet?
}
