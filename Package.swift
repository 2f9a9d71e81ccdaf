// swift-tools-version: 6.2
import Foundation
import PackageDescription

// The instruction set that kernels are built for: OSTR_ISA names it. `addProduct` is one instruction only where the set has
// fused multiply-adds, as x86-64-v3 and arm64's baseline do; for `portable` the kernels bring their own.
#if arch(x86_64)
    let instructionSets: [String: [SwiftSetting]] = [
        "portable": [.define("OSTR_PORTABLE")],
        "x86-64-v3": [.unsafeFlags(["-Xcc", "-march=x86-64-v3"])],
        "x86-64-v4": [.unsafeFlags(["-Xcc", "-march=x86-64-v4"]), .define("OSTR_WIDE")],
    ]
    let defaultSet = "x86-64-v3"
#else
    let instructionSets: [String: [SwiftSetting]] = ["arm64": []]
    let defaultSet = "arm64"
#endif
let instructionSet = ProcessInfo.processInfo.environment["OSTR_ISA"] ?? defaultSet
guard let kernelSettings = instructionSets[instructionSet] else {
    let known = instructionSets.keys.sorted().joined(separator: ", ")
    let message = "OSTR_ISA=\(instructionSet): there is no such instruction set here; there is \(known)\n"
    FileHandle.standardError.write(Data(message.utf8))
    exit(64)
}

// Debian's libzmq.pc carries flags that SwiftPM warns about, and its headers are on the default path anyway.
#if os(Linux)
    let zeroMQ: String? = nil
#else
    let zeroMQ: String? = "libzmq"
#endif

// `script/test` sets this: a warning in our own code fails the build there.
let strict: [SwiftSetting] =
    ProcessInfo.processInfo.environment["OSTR_WARNINGS_AS_ERRORS"] == nil ? [] : [.unsafeFlags(["-warnings-as-errors"])]

func module(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], settings: [SwiftSetting] = []
) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict + settings)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = [], settings: [SwiftSetting] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], resources: resources, swiftSettings: strict + settings
    )
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "ostr",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "ostr", targets: ["ostr"]),
        .library(name: "wrong-clock", type: .dynamic, targets: ["CWrongClock"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas",
            providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
        .systemLibrary(
            name: "CZeroMQ", pkgConfig: zeroMQ, providers: [.apt(["libzmq3-dev"]), .brew(["zeromq"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),

        .target(name: "CProcessor", cSettings: [.define("OSTR_ISA", to: "\"\(instructionSet)\"")]),

        // Optimised in debug builds too, so that tests run at full speed; as one, since code for any vector is specialised
        // in files other than its own. (With threads, as the build system wants a result for each file.)
        module(
            "Kernels", ["CProcessor"], settings: [.unsafeFlags(["-O", "-wmo", "-num-threads", "2"])] + kernelSettings),
        // Optimised in debug builds too: unoptimised loops over arrays take heap memory, and a step must not.
        module("Supernet", ["Kernels"], settings: [.unsafeFlags(["-O"])]),
        // Optimised in debug builds too: it handles every pixel of a data set.
        module("Datasets", ["Kernels", "CZlib", crypto], settings: [.unsafeFlags(["-O"])]),
        module("Search", ["Kernels", "Supernet", "Datasets", crypto]),
        // Optimised in debug builds too: every byte between workers is checksummed here.
        module(
            "Protocol", [protobuf, collections], exclude: ["Messages/ostr.proto"],
            settings: [.unsafeFlags(["-O"])]),
        module("Transport", ["Protocol", "CZeroMQ", logging, collections]),
        module("Checkpoint", ["Supernet", "Search", crypto]),
        module("NASBench201", ["Supernet"]),
        module("ONNX", ["Supernet", protobuf], exclude: ["Messages/onnx.proto"]),
        module("SpaceFiles", ["Supernet", .product(name: "Yams", package: "Yams")]),
        module("Worker", ["Kernels", "Protocol", "Transport", "Search", "Datasets", logging]),
        module("Coordinator", ["Kernels", "Protocol", "Transport", "Search", logging]),
        module("Reporting", ["Search", "Supernet", "NASBench201", "Checkpoint", crypto]),
        .executableTarget(
            name: "ostr",
            dependencies: [
                "Coordinator", "Worker", "Protocol", "Transport", "Search", "Supernet", "Kernels", "Datasets",
                "Checkpoint", "NASBench201", "SpaceFiles", "ONNX",
                "Reporting", "CProcessor", argumentParser, logging,
            ],
            swiftSettings: strict),

        // Loaded into processes of FaultTests, to lie to them about the time of day.
        .target(name: "CWrongClock", path: "Tests/CWrongClock"),
        .target(name: "TestSupport", dependencies: ["Protocol"], path: "Tests/TestSupport", swiftSettings: strict),
        // Counts heap allocations of the test program.
        .target(name: "CAllocations", path: "Tests/CAllocations"),
        tests("KernelsTests", ["Kernels", "COpenBLAS"]),
        tests("SupernetTests", ["Supernet", "Kernels", "CAllocations"]),
        tests("DatasetsTests", ["Datasets", "CZlib"], resources: [.copy("Fixtures")]),
        tests(
            "SearchTests", ["Search", "Checkpoint", "Datasets", "Supernet", "Kernels"],
            resources: [.copy("Golden")]),
        // Optimised in debug builds too: it simulates thousands of runs.
        tests("ProtocolTests", ["Protocol"], settings: [.unsafeFlags(["-O"])]),
        tests("TransportTests", ["Transport", "Protocol", logging]),
        tests("CheckpointTests", ["Checkpoint", "Supernet", "Search"]),
        tests("SpaceFilesTests", ["SpaceFiles", "Supernet"]),
        tests("ONNXTests", ["ONNX", "Supernet"]),
        tests("NASBench201Tests", ["NASBench201", "Supernet", crypto]),
        tests(
            "ClusterTests", ["Coordinator", "Worker", "Search", "Supernet", "Datasets", "Protocol", "Transport"]),
        tests("ReportingTests", ["Reporting", "Search", "Supernet"]),
        tests("CommandTests", ["ostr", "CProcessor", "Checkpoint", "Supernet"]),
        tests("SecurityTests", ["ostr", "Protocol"]),
        .target(
            name: "FuzzTargets",
            dependencies: ["Protocol", "Datasets", "Checkpoint", "Supernet", "SpaceFiles", "TestSupport", crypto],
            path: "Tests/FuzzTargets", swiftSettings: strict),
        tests("FuzzTests", ["FuzzTargets", "Checkpoint", "Search"], resources: [.copy("Corpus")]),
        tests("FaultTests", ["ostr", "faulty-worker", "Checkpoint", "Protocol", "Transport", "Search"]),
        // A worker that does wrong what it is told to: for FaultTests.
        .executableTarget(
            name: "faulty-worker", dependencies: ["Worker", "Protocol", "Search", "Datasets"],
            path: "Tests/FaultyWorker", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)

// `script/fuzz` sets this to the sanitizers: libFuzzer comes with the compiler, and everything is instrumented for it.
if let sanitizers = ProcessInfo.processInfo.environment["OSTR_FUZZ"] {
    package.targets += [
        .target(name: "CLibFuzzer", path: "Tests/CLibFuzzer"),
        .executableTarget(
            name: "ostr-fuzz", dependencies: ["FuzzTargets", "CLibFuzzer"], path: "Tests/Fuzz",
            linkerSettings: [
                // Gold, the default, stumbles over libFuzzer.
                .unsafeFlags(["-sanitize=\(sanitizers)", "-use-ld=lld"]), .linkedLibrary("stdc++"),
            ]),
    ]
}
