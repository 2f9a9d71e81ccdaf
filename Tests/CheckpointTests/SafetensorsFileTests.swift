import Checkpoint
import Foundation
import TestSupport
import Testing

@Suite("Safetensors files")
struct SafetensorsFileTests {
    private let sample = SafetensorsFile(
        tensors: [
            "b": .init(floats: [1, -2.5, .infinity, 0, 5, 6], shape: [2, 3]),
            "a": .init(integers: [3, -4], shape: [2]),
            "flags": .init(type: .u8, shape: [3], bytes: [1, 0, 255]),
            "é \"quoted\"\n\u{1}\\": .init(floats: [7], shape: []),
            "empty": .init(floats: [], shape: [0, 4]),
        ],
        metadata: ["space": "nasbench201", "sgd": #"{"lr": 0.025}"#])

    @Test("what was written is read again")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        try sample.write(to: folder("x.safetensors"))
        let read = try SafetensorsFile(reading: folder("x.safetensors"))
        #expect(read.tensors == sample.tensors)
        #expect(read.metadata == sample.metadata)
        #expect(read.path == folder("x.safetensors"))
        #expect(try read.floats("b") == [1, -2.5, .infinity, 0, 5, 6])
        #expect(try read.integers("a") == [3, -4])
        #expect(try read.integers("flags") == [1, 0, 255])
        #expect(folder.contents == ["x.safetensors"])
    }

    @Test("the bytes are those that the format prescribes, wider types first, padded to 8 bytes")
    func bytes() throws {
        let file = SafetensorsFile(
            tensors: [
                "x": .init(floats: [1], shape: [1]), "w": .init(floats: [2], shape: []),
                "n": .init(integers: [-2], shape: [1]),
            ],
            metadata: ["k": "v"])
        let header =
            #"{"__metadata__":{"k":"v"},"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"#
            + #""w":{"dtype":"F32","shape":[],"data_offsets":[8,12]},"#
            + #""x":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}"#
        let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        let data: [UInt8] = [0xfe, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0x40, 0, 0, 0x80, 0x3f]
        #expect(file.encoded() == safetensors(padded, data: data))
        let folder = try TemporaryFolder()
        try file.write(to: folder("x"))
        #expect(try Array(Data(contentsOf: URL(fileURLWithPath: folder("x")))) == file.encoded())
    }

    @Test("other floating point types convert to Float")
    func conversions() throws {
        func file(_ type: String, _ data: [UInt8]) throws -> [Float] {
            let size = type == "F64" ? 8 : 2
            let header =
                #"{"t":{"dtype":"\#(type)","shape":[\#(data.count / size)],"data_offsets":[0,\#(data.count)]}}"#
            return try SafetensorsFile(parsing: safetensors(header, data: data)).floats("t")
        }
        // 1, -2, 65504, the smallest subnormal, the largest subnormal, infinity, -0
        let halves: [UInt16] = [0x3c00, 0xc000, 0x7bff, 0x0001, 0x03ff, 0x7c00, 0x8000]
        let converted = try file("F16", halves.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] })
        #expect(converted == [1, -2, 65504, 0x1p-24, 0x3ffp-24, .infinity, 0])
        #expect(converted[6].sign == .minus)
        #expect(try file("F16", [0x01, 0x7e])[0].isNaN)
        #expect(try file("BF16", [0x80, 0x3f, 0x20, 0xc1]) == [1, -10])
        let doubles = [0.1, -1e300].flatMap { value in
            (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
        }
        #expect(try file("F64", doubles) == [0.1, -.infinity])
        let integers = safetensors(
            #"{"t":{"dtype":"I32","shape":[2],"data_offsets":[0,8]}}"#, data: [1, 0, 0, 0, 254, 255, 255, 255])
        #expect(try SafetensorsFile(parsing: integers).integers("t") == [1, -2])
    }

    @Test("escapes and white space in a header are read as JSON has them")
    func escapes() throws {
        let header = #" { "a\u0041\/\n\ud83d\ude00" : { "shape":[ 1 , 1 ] , "data_offsets":[0,1], "dtype":"U8" } } "#
        let file = try SafetensorsFile(parsing: safetensors(header, data: [9]))
        #expect(file.names == ["aA/\n😀"])
        #expect(try file.integers("aA/\n😀") == [9])
    }

    @Test("asking for a tensor that is not there, or of another type, is an error that names it")
    func accessors() {
        #expect(
            throws: CheckpointError.malformed(
                file: "", tensor: "c", expected: "such a tensor", found: "none of that name")
        ) {
            try sample.floats("c")
        }
        #expect(
            throws: CheckpointError.malformed(
                file: "", tensor: "a", expected: "type F32, F64, F16 or BF16", found: "I64")
        ) {
            try sample.floats("a")
        }
        #expect(throws: CheckpointError.malformed(file: "", tensor: "b", expected: "type I64, I32 or U8", found: "F32"))
        {
            try sample.integers("b")
        }
    }

    @Test("a malformed file is an error that tells what was expected and found", arguments: MalformedFile.all)
    func malformed(_ malformed: MalformedFile) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(malformed.bytes, to: "x.safetensors")
        let fromFile = #expect(throws: CheckpointError.self) { try SafetensorsFile(reading: path) }
        let text = try #require(fromFile).description
        #expect(text.hasPrefix(path) && text.contains(malformed.message), "\(text)")
        let fromBytes = #expect(throws: CheckpointError.self) {
            try SafetensorsFile(parsing: malformed.bytes, path: path)
        }
        #expect(fromBytes == fromFile)
    }

    @Test("no single damaged byte of a header makes the reader trap")
    func damage() throws {
        let bytes = sample.encoded()
        for index in 0..<min(bytes.count, 400) {
            for value: UInt8 in [0, 0x22, 0x2c, 0x39, 0x5d, 0x7d, 0xff] {
                var damaged = bytes
                damaged[index] = value
                if let read = try? SafetensorsFile(parsing: damaged) {
                    #expect(read.tensors.values.allSatisfy { $0.bytes.count <= bytes.count })
                }
            }
            _ = try? SafetensorsFile(parsing: Array(bytes[..<index]))
        }
    }

    @Test("what is not a readable file is an error with the system's reason")
    func unreadable() throws {
        let folder = try TemporaryFolder()
        #expect(throws: CheckpointError.unreadable(file: folder("none"), reason: "No such file or directory")) {
            try SafetensorsFile(reading: folder("none"))
        }
        #expect(throws: CheckpointError.unreadable(file: folder.path, reason: "it is not a regular file")) {
            try SafetensorsFile(reading: folder.path)
        }
    }

    @Test("a file that cannot be written leaves nothing behind and the old content alone")
    func unwritable() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write([1, 2, 3], to: "file")
        #expect(throws: CheckpointError.unwritable(file: folder("none/x"), reason: "No such file or directory")) {
            try sample.write(to: folder("none/x"))
        }
        #expect(throws: CheckpointError.unwritable(file: file + "/x", reason: "Not a directory")) {
            try sample.write(to: file + "/x")
        }
        try folder.write([], to: "target/x")
        #expect(throws: CheckpointError.self) { try sample.write(to: folder("target")) }
        #expect(folder.contents == ["file", "target"])
        #expect(try Array(Data(contentsOf: URL(fileURLWithPath: file))) == [1, 2, 3])
        try sample.write(to: file)
        #expect(try SafetensorsFile(reading: file).tensors == sample.tensors)
    }
}
