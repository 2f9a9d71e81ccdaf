#if os(Linux)
    import Foundation
    import Synchronization

    /// A TCP port of the loopback behind which another one is, over a bad link: slow, far away, or cut now and then.
    final class LinkProxy: @unchecked Sendable {
        // All but the atomics belongs to the proxy's thread once it has started.

        /// What is wrong with the link.
        struct Fault: Sendable {
            /// One way.
            var delay = Duration.zero
            /// In each direction of each connection; 0 for no limit.
            var bytesPerSecond = 0
            /// Share of connections that are cut, in percent, each after a random number of bytes up to `cutWithin`.
            var cutPercent = 0
            var cutWithin = 300_000
            /// In each direction of each connection one bit is flipped in so many frames of more than `damagedSize` bytes.
            var damagedFrames = 0
            static let damagedSize = 8192
        }

        /// Follows ZeroMQ's frames (RFC 23) in a stream of bytes. A value, fed with every byte once.
        private struct FrameReader {
            /// Bytes of a greeting, then of a frame, that are still to come.
            private var body = 64
            private var header: [UInt8] = []

            /// Places in `bytes` where the content of a frame begins that is longer than `size`.
            mutating func begins(in bytes: [UInt8], longerThan size: Int) -> [Int] {
                var (found, place): ([Int], Int) = ([], 0)
                while place < bytes.count {
                    if body > 0 {
                        let step = min(body, bytes.count - place)
                        body -= step
                        place += step
                        continue
                    }
                    header.append(bytes[place])
                    place += 1
                    // The second bit of the flags says that the length has eight bytes.
                    guard header.count == (header[0] & 2 == 0 ? 2 : 9) else { continue }
                    body = header.dropFirst().reduce(0) { $0 << 8 | Int($1) }
                    header = []
                    if body > size, place < bytes.count { found.append(place) }
                }
                return found
            }
        }

        private final class Pipe {
            let from: Int32, to: Int32
            var queue: [(due: ContinuousClock.Instant, bytes: [UInt8])] = []
            var queued = 0
            var isClosed = false
            var nextWrite = ContinuousClock.now
            var frames = FrameReader()
            var damaged = 0
            init(from: Int32, to: Int32) { (self.from, self.to) = (from, to) }
        }

        private final class Connection {
            let forward: Pipe, backward: Pipe
            var remaining: Int?
            init(_ client: Int32, _ server: Int32, cutAfter: Int?) {
                forward = Pipe(from: client, to: server)
                backward = Pipe(from: server, to: client)
                remaining = cutAfter
            }
        }

        let port: Int
        private let target: Int
        private let fault: Fault
        private let listener: Int32
        private var connections: [Connection] = []
        private var random: SystemRandomNumberGenerator = .init()
        private let isStopped = Atomic<Bool>(false)
        private let hasEnded = Atomic<Bool>(false)
        /// Connections that were cut, bytes that went through, and bits that were flipped.
        let cuts = Atomic<Int>(0), bytes = Atomic<Int>(0), flips = Atomic<Int>(0)

        /// A port that nobody has.
        static func freePort() -> Int {
            let (descriptor, port) = listen()
            close(descriptor)
            return port
        }

        init(to target: Int, _ fault: Fault) {
            self.target = target
            self.fault = fault
            (listener, port) = LinkProxy.listen()
            Thread { self.run() }.start()
        }

        func stop() {
            isStopped.store(true, ordering: .relaxed)
            wait(5) { self.hasEnded.load(ordering: .relaxed) }
        }

        private static func address(_ port: Int) -> sockaddr_in {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            return address
        }

        private static func listen() -> (Int32, Int) {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var address = address(0)
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = bind(descriptor, $0, length)
                    _ = Glibc.listen(descriptor, 16)
                    _ = getsockname(descriptor, $0, &length)
                }
            }
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
        }

        private func run() {
            while !isStopped.load(ordering: .relaxed) {
                var items = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
                for pipe in pipes where pipe.queued < 64 * 1024 && !pipe.isClosed {
                    items.append(pollfd(fd: pipe.from, events: Int16(POLLIN), revents: 0))
                }
                poll(&items, nfds_t(items.count), 5)
                if items[0].revents != 0 { accept() }
                let ready = Set(items.dropFirst().filter { $0.revents != 0 }.map(\.fd))
                for connection in connections {
                    for pipe in [connection.forward, connection.backward] {
                        if ready.contains(pipe.from) { read(pipe, of: connection) }
                        write(pipe)
                    }
                }
                connections.removeAll { connection in
                    let isOver =
                        (connection.forward.isClosed || connection.backward.isClosed)
                        && connection.forward.queue.isEmpty && connection.backward.queue.isEmpty
                    let isCut = connection.remaining.map { $0 <= 0 } ?? false
                    guard isOver || isCut else { return false }
                    if isCut { cuts.wrappingAdd(1, ordering: .relaxed) }
                    close(connection.forward.from)
                    close(connection.forward.to)
                    return true
                }
            }
            for connection in connections {
                close(connection.forward.from)
                close(connection.forward.to)
            }
            close(listener)
            hasEnded.store(true, ordering: .relaxed)
        }

        private var pipes: [Pipe] { connections.flatMap { [$0.forward, $0.backward] } }

        private func accept() {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { return }
            let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var address = LinkProxy.address(target)
            let isConnected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            guard isConnected else {
                close(client)
                close(server)
                return
            }
            var one: Int32 = 1
            for descriptor in [client, server] {
                _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
            }
            let isCut = Int.random(in: 0..<100, using: &random) < fault.cutPercent
            let limit = Int.random(in: 1...max(fault.cutWithin, 1), using: &random)
            connections.append(Connection(client, server, cutAfter: isCut ? limit : nil))
        }

        private func read(_ pipe: Pipe, of connection: Connection) {
            var buffer = [UInt8](repeating: 0, count: 8192)
            let count = Glibc.read(pipe.from, &buffer, buffer.count)
            if count <= 0 {
                if count == 0 || errno != EAGAIN { pipe.isClosed = true }
                return
            }
            var read = Array(buffer.prefix(count))
            if fault.damagedFrames > 0 {
                for place in pipe.frames.begins(in: read, longerThan: Fault.damagedSize)
                where pipe.damaged < fault.damagedFrames {
                    read[place] ^= 1
                    pipe.damaged += 1
                    flips.wrappingAdd(1, ordering: .relaxed)
                }
            }
            pipe.queue.append((ContinuousClock.now + fault.delay, read))
            pipe.queued += count
            bytes.wrappingAdd(count, ordering: .relaxed)
            if let remaining = connection.remaining { connection.remaining = remaining - count }
        }

        private func write(_ pipe: Pipe) {
            while let (due, bytes) = pipe.queue.first, ContinuousClock.now >= due, ContinuousClock.now >= pipe.nextWrite
            {
                let count = send(pipe.to, bytes, bytes.count, Int32(MSG_NOSIGNAL))
                if count < 0 {
                    if errno != EAGAIN {
                        pipe.isClosed = true
                        pipe.queue = []
                    }
                    return
                }
                if fault.bytesPerSecond > 0 {
                    let start = max(pipe.nextWrite, ContinuousClock.now)
                    pipe.nextWrite = start + .seconds(Double(count) / Double(fault.bytesPerSecond))
                }
                pipe.queued -= count
                if count == bytes.count {
                    pipe.queue.removeFirst()
                } else {
                    pipe.queue[0].bytes = Array(bytes.dropFirst(count))
                }
            }
        }
    }
#endif
