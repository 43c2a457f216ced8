| Start-up of the cartridge: vectors, header, unlocking the video chip, clearing the work RAM.

        .section .boot, "ax"
        .globl  _start

vectors:
        .long   0x00FFF600              | Initial stack, below the variables that agents read.
        .long   _start
        .rept   26                      | Exceptions 2 to 27.
        .long   fault
        .endr
        .long   ignore                  | Level 4: horizontal blank.
        .long   fault
        .long   vertical_blank          | Level 6.
        .rept   33
        .long   fault
        .endr

| The header, at 0x100.
        .ascii  "SEGA MEGA DRIVE "
        .ascii  "(C)JOYPAD       "
        .ascii  "HILLHOPPER                                      "
        .ascii  "HILLHOPPER                                      "
        .ascii  "GM 00000000-00"
        .word   0                       | Checksum; the build fills it in.
        .ascii  "J               "
        .long   0, _rom_end - 1
        .long   0x00FF0000, 0x00FFFFFF
        .space  12, 0x20
        .space  12, 0x20
        .space  40, 0x20
        .ascii  "JUE             "

_start:
        move.w  #0x2700, %sr
        move.b  0xA10001, %d0           | Later consoles want the maker's name first.
        andi.b  #0x0F, %d0
        beq.s   1f
        move.l  #0x53454741, 0xA14000
1:      move.w  #0x0100, 0xA11100       | The Z80 is not used: keep it off the bus.
        move.w  #0x0100, 0xA11200
        move.b  #0x9F, 0xC00011         | Four silent sound channels.
        move.b  #0xBF, 0xC00011
        move.b  #0xDF, 0xC00011
        move.b  #0xFF, 0xC00011
        lea     0x00FF0000, %a0
        move.w  #0x3FFF, %d0
        moveq   #0, %d1
2:      move.l  %d1, (%a0)+
        dbra    %d0, 2b
        lea     0x00FFF600, %sp
        jsr     main
fault:  bra.s   fault
ignore: rte
vertical_blank:
        addq.w  #1, blanks
        rte

        .section .note.GNU-stack
