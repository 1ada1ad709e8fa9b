# Debian's libfdt is the oracle that the device-tree reader is compared with.
target_link_libraries(host-dev PUBLIC fdt)
